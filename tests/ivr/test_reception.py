"""Reception of calls: limits before the flow, and missed calls that are written in the end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from feedback.citizens.registry import open_citizens
from feedback.intake.missed_calls import MissedCalls
from feedback.models import CitizenCall
from haichieu import background
from haichieu.ari.events import Event
from haichieu.database import Database
from haichieu.demo.trial_station import until
from ivr.calls.caller_limits import CallerLimits, Limits
from ivr.calls.reception import CitizensReception, Reception
from ivr.calls.routing import Number
from ivr.flows.definition import delivered_flow
from tests.builders.outgoing import RULE
from tests.builders.places import commune
from tests.fake_asterisk import FakeAsterisk
from tests.faulty_database import FaultyDatabase

HOTLINE, OFFICIALS = "1022", "1900"
CALLER = "+84987654321"


class Prompts:
    """Prompts whose sound is their name."""

    def look_again(self) -> None:
        """Take no changes."""

    def sound(self, key: str, language: str, **_: object) -> str:
        return key


class Calls:
    """A reception whose desks are never reached."""

    def __init__(self, database: Database, home: Path, limits: Limits) -> None:
        self.asterisk = FakeAsterisk()
        self.flows: list[str] = []
        missed = MissedCalls(open_citizens(home), RULE)
        nobody = cast(Any, None)
        citizens = CitizensReception(nobody, CallerLimits(limits), missed)
        self.reception = Reception(
            self.asterisk.client, database, cast(Any, Prompts()), self._flow, nobody, citizens
        )  # fmt: skip

    async def _flow(self, name: str) -> Any:
        self.flows.append(name)
        return delivered_flow(name)

    def arrives(self, dialled: str, channel: str = "call-1") -> None:
        """Let a citizen call one of our numbers."""
        self.asterisk.arrive(channel)
        about = {"id": channel, "caller": {"number": CALLER}, "name": "PJSIP/carrier-1"}
        self.reception.take(Event("StasisStart", {"args": ["inbound", dialled], "channel": about}))


@contextlib.asynccontextmanager
async def calls(database: Database, home: Path, **limits: int) -> AsyncIterator[Calls]:
    with database.session() as session:
        unit_id = commune(session).commune.id
        session.add(Number(number=HOTLINE, flow="hotline", unit_id=unit_id, missed_call_back=True))
        session.add(Number(number=OFFICIALS, flow="official-line", unit_id=unit_id))
    made = Calls(database, home, Limits(**limits))
    running = asyncio.create_task(made.reception.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_missed_call_is_queued_once_the_database_works_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "RETRY_SECONDS", (0.01,))
    faulty = FaultyDatabase(database)
    async with calls(database, tmp_path) as made:
        made.reception._database = faulty
        faulty.lock()
        made.arrives(HOTLINE)
        made.asterisk.hang_up("call-1")
        await until(lambda: faulty.failures > 1, "the missed call was not written")
        faulty.release()

        def queued() -> int:
            with database.session() as session:
                return len(session.scalars(sa.select(CitizenCall)).all())

        await until(lambda: queued() == 1, "the missed call is queued")
    faulty.close()


async def test_call_is_served_by_asterisk_while_the_database_is_away(database: Database, tmp_path: Path) -> None:
    faulty = FaultyDatabase(database)
    async with calls(database, tmp_path) as made:
        made.reception._database = faulty
        faulty.fail_once()
        made.arrives(HOTLINE)
        await until(lambda: made.asterisk.left_to_dialplan != [], "the call is left to the dialplan")
        await until(lambda: not made.reception._tasks, "nothing more is done")
        assert made.asterisk.left_to_dialplan == [("call-1", "inbound", "alone")]
        assert list(made.asterisk.channels) == ["call-1"], "it is not hung up"
    faulty.close()


async def test_calls_to_the_officials_line_are_limited_before_the_flow(database: Database, tmp_path: Path) -> None:
    async with calls(database, tmp_path, calls_a_minute_on_a_line=0) as made:
        made.arrives(OFFICIALS)
        await until(lambda: not made.asterisk.channels, "the call ended")
        assert made.asterisk.sounds == ["sound:too-many-calls"]


async def test_call_without_room_is_rejected_unheard(database: Database, tmp_path: Path) -> None:
    async with calls(database, tmp_path, calls_at_once=0) as made:
        made.arrives(OFFICIALS)
        await until(lambda: not made.asterisk.channels, "the call ended")
        assert (made.flows, made.asterisk.sounds) == ([], [])


async def test_calls_of_citizens_leave_room_for_officials(database: Database, tmp_path: Path) -> None:
    limits = {"calls_at_once": 2, "kept_for_officials": 2, "calls_a_minute_on_a_line": 0}
    async with calls(database, tmp_path, **limits) as made:
        made.arrives(HOTLINE)
        await until(lambda: not made.asterisk.channels, "the citizen is rejected")
        assert made.asterisk.sounds == []
        made.arrives(OFFICIALS, "call-2")
        await until(lambda: made.asterisk.sounds == ["sound:too-many-calls"], "the official is served")
