"""The officials' desk over the studio."""

from typing import Any, cast

import pytest

from broadcast_bridge.broadcasts.broadcast_lifecycle import Outcome
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.studio.studio import Studio, WhenPlanned
from ivr.desks.official import PhoneDesk
from ivr.flows.session import ZoneSeen

pytestmark = pytest.mark.asyncio

CO_BA = ZoneSeen("11", "Cô Ba", reachable=1, total=1)


class NotedStudio:
    """A studio that notes what is called when each broadcast is planned."""

    def __init__(self) -> None:
        self.told: list[WhenPlanned | None] = []

    async def go_live(self, *_: object, when_planned: WhenPlanned | None) -> Outcome:
        self.told.append(when_planned)
        return Outcome(1, 1, ())


async def test_only_the_first_broadcast_of_a_booked_call_is_the_booked_one() -> None:
    studio, rest = NotedStudio(), cast(Any, None)
    desk = PhoneDesk(rest, cast(Studio, studio), rest, 0.0, rest, "booked-live", rest)

    def booked(*_: object) -> None:
        raise AssertionError

    desk.when_planned = booked
    for _ in range(2):
        await desk.go_live(1, CO_BA, Priority.NORMAL, called_back=True)
    assert studio.told == [booked, None]
