"""Nodes of flows that have speakers called ahead, and nodes that release them."""

import pytest

from broadcast_bridge.broadcasts.states import Priority
from ivr.flows.definition import delivered_flow
from ivr.flows.session import OfficialSeen
from tests.ivr.simulated_calls import desk, place_call


def changes(expected: list[str | None]) -> list[str | None]:
    """Return what is expected one after the other, without repetitions."""
    return [one for one, before in zip(expected, [None, *expected], strict=False) if one != before]


@pytest.mark.parametrize(
    ("keys", "called"),
    [
        (("2468#", "1", "11#", "1"), ["11", None]),
        (("2468#", "1", "11#", "2", "11#"), ["11", None, "11", None]),
        (("2468#", "1", "11#"), ["11", None]),
        (("2468#", "9", "11#", "1"), []),
        (("2468#", "3"), []),
    ],
)
async def test_speakers_are_called_while_official_confirms(keys: tuple[str, ...], called: list[str | None]) -> None:
    at = desk()
    await place_call(*keys, at_desk=at)
    assert changes(at.expected) == called
    assert at.expected[-1] is None


@pytest.mark.parametrize(("priority", "called"), [(Priority.NORMAL, ["11", None]), (Priority.EMERGENCY, [])])
async def test_call_back_calls_the_speakers_of_its_zone(priority: Priority, called: list[str | None]) -> None:
    at = desk()
    await place_call(
        "1",
        at_desk=at,
        official=OfficialSeen(1, "Hải"),
        zone=at.zones["11"],
        called_back=True,
        call_back_priority=priority,
    )
    assert changes(at.expected) == called


async def test_booked_call_has_the_speakers_called_while_it_waits() -> None:
    at = desk()
    await place_call(
        "2468#",
        at_desk=at,
        flow=delivered_flow("booked-live"),
        official=OfficialSeen(1, "Hải"),
        zone=at.zones["11"],
        called_back=True,
    )
    assert changes(at.expected) == ["11", None]
    assert at.went_live == [at.zones["11"]]
