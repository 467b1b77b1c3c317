"""Rows that cannot be handled: each is set aside with an alarm, and the others go on air."""

import asyncio
import datetime
from collections.abc import AsyncIterator, Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import broadcast_lifecycle, starting
from broadcast_bridge.broadcasts.due_broadcasts import begin_due
from broadcast_bridge.broadcasts.starting import Request, Taken
from broadcast_bridge.broadcasts.states import BroadcastEvent
from broadcast_bridge.models import Broadcast
from broadcast_bridge.schedule import dispatch
from broadcast_bridge.schedule.materialise import HORIZON, materialise
from broadcast_bridge.schedule.models import Occurrence
from broadcast_bridge.studio import playout
from broadcast_bridge.studio.live_recordings import Recordings
from broadcast_bridge.studio.orphans import clear_orphans
from broadcast_bridge.studio.playout import Playout
from broadcast_bridge.studio.studio import Studio
from haichieu import background
from haichieu.alarms import open_alarms
from haichieu.ari import operations
from haichieu.ari.operations import Operation
from haichieu.database import Database, now
from haichieu.demo.trial_station import until
from tests.builders.places import Commune, commune
from tests.builders.schedules import NOW, daily, minutes
from tests.builders.sounds import sound_row
from tests.fake_asterisk import FakeAsterisk
from tests.faulty_database import FaultyDatabase

NODE = "main"
pytestmark = pytest.mark.both_databases


def asked(session: Session, place: Commune, at: datetime.datetime = NOW) -> int:
    return starting.ask(session, Request("test", "Bulletin", [], [place.zone.code]), at).id


def alarms(session: Session) -> list[tuple[str, str]]:
    return sorted((alarm.kind, alarm.subject) for alarm in open_alarms(session))


def failing_for(row: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which fails for one row after it has written something."""

    def work(session: Session, row_id: int, *others: Any) -> Any:
        done = real(session, row_id, *others)
        if row_id == row:
            raise ZeroDivisionError
        return done

    return work


def test_broadcast_that_cannot_begin_is_failed_and_the_next_one_begins(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.session() as session:
        faulty, good = asked(session, commune(session)), asked(session, commune(session, code="12"))
    monkeypatch.setattr(starting, "begin", failing_for(faulty, starting.begin))
    with database.session() as session:
        assert begin_due(session, NODE, NOW) == [(good, Taken())]
    with database.session() as session:
        states = {one.id: (one.state, one.reason) for one in session.scalars(sa.select(Broadcast))}
        assert states == {faulty: ("failed", "internal_error"), good: ("calling", None)}
        assert alarms(session) == [("broadcast_failed", f"broadcast:{faulty}")]
        assert begin_due(session, NODE, NOW) == []


def test_occurrence_that_cannot_be_played_does_not_stop_the_next_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.session() as session:
        place, other, sound = commune(session), commune(session, code="12"), sound_row(session)
        faulty = daily(session, place, title="faulty")
        for one in (faulty, daily(session, other, title="good")):
            one.programme.sound_id, one.programme.state = sound.id, "approved"
        materialise(session, NOW + HORIZON, NOW)
        real = dispatch._play

        def play(played: Session, occurrence: Occurrence, *others: Any) -> bool:
            done = real(played, occurrence, *others)
            if occurrence.schedule_id == faulty.id:
                raise ZeroDivisionError
            return done

        monkeypatch.setattr(dispatch, "_play", play)
        dispatch.put_on_air(session, "a", NOW + minutes(30))
        assert session.scalars(sa.select(Broadcast.title)).all() == ["good"]
        assert alarms(session) == [("schedule_missed", f"schedule:{faulty.id}")]


def test_schedule_that_cannot_be_computed_does_not_stop_the_others(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        faulty, good = daily(session, place), daily(session, place, "06:30")
        materialise(session, NOW + HORIZON, NOW)
        planned = session.scalars(sa.select(Occurrence.id).where(Occurrence.schedule_id == faulty.id)).all()
        faulty.rrule = "FREQ=NEVER"
        materialise(session, NOW + 2 * HORIZON, NOW)
        count = sa.select(sa.func.count()).select_from(Occurrence)
        assert session.scalar(count.where(Occurrence.schedule_id == good.id)) == 4
        assert session.scalars(sa.select(Occurrence.id).where(Occurrence.schedule_id == faulty.id)).all() == planned
        assert alarms(session) == [("schedule_missed", f"schedule:{faulty.id}")]


class Airings:
    """A studio in which broadcasts run until they are cancelled."""

    node = NODE
    on_air: frozenset[int] = frozenset()

    def __init__(self) -> None:
        self.begun: asyncio.Queue[int] = asyncio.Queue()
        self.ended: list[int] = []
        self.problem: Exception | None = None

    async def air(self, broadcast_id: int, taken: Taken) -> None:
        self.begun.put_nowait(broadcast_id)
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.append(broadcast_id)

    async def give_up(self, taken: Mapping[int, Any]) -> None:
        if self.problem is not None:
            problem, self.problem = self.problem, None
            raise problem

    async def fall_silent(self, acknowledged: Mapping[int, Any]) -> None:
        """Nothing sounds."""

    def take_back(self, returned: Mapping[int, Any]) -> None:
        """Nothing was taken."""


async def test_error_of_the_playout_ends_no_broadcast_and_loses_none(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "AGAIN_SECONDS", 0.01)
    looks = asyncio.Event()

    async def moments(*_: object) -> AsyncIterator[None]:
        while True:
            await looks.wait()
            looks.clear()
            yield

    monkeypatch.setattr(playout, "changes_and_hours", moments)
    studio, calls = Airings(), FakeAsterisk()
    running = asyncio.create_task(Playout(calls.client, database, cast(Studio, studio), lambda call, who: None).run())
    async with asyncio.timeout(20):
        with database.session() as session:
            first = asked(session, commune(session), now())
        looks.set()
        assert await studio.begun.get() == first
        with database.session() as session:
            second = asked(session, commune(session, code="12"), now())
        studio.problem = ZeroDivisionError()
        looks.set()
        assert await studio.begun.get() == second
        with database.session() as session:
            third = asked(session, commune(session, code="13"), now())
        looks.set()
        assert await studio.begun.get() == third
        assert studio.ended == []
    running.cancel()
    await asyncio.wait([running])
    assert sorted(studio.ended) == [first, second, third]


async def test_playout_pauses_while_what_is_due_cannot_be_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(playout, "asyncio", SimpleNamespace(sleep=pause))
    with database.session() as session:
        due = asked(session, commune(session), now())
    faulty, studio = FaultyDatabase(database), Airings()
    faulty.lock()
    playing = Playout(FakeAsterisk().client, faulty, cast(Studio, studio), lambda call, who: None)
    running = asyncio.create_task(playing.run())
    await until(lambda: faulty.failures >= 3, "the start was refused")
    assert len(pauses) >= 2
    faulty.release()
    assert await asyncio.wait_for(studio.begun.get(), 20) == due
    running.cancel()
    await asyncio.wait([running])
    faulty.close()


class NoRecordings:
    """Recordings of live broadcasts, of which there are none."""

    name = staticmethod(Recordings.name)

    def put(self, broadcast_id: int) -> None:
        """Nothing to store."""

    def collect(self, session: Session, broadcast_id: int, stored: None) -> None:
        """Nothing to collect."""


async def test_broadcast_that_begins_during_the_clean_up_is_not_closed(database: Database) -> None:
    with database.session() as session:
        place, other, third = commune(session), commune(session, code="12"), commune(session, code="13")
        new, dead, faulty = asked(session, place), asked(session, other), asked(session, third)
        for broadcast_id in (new, dead, faulty):
            starting.begin(session, broadcast_id, NODE, NOW)
        broadcast_lifecycle.advance(session, faulty, BroadcastEvent.OPEN, NOW)
        session.get_one(Broadcast, faulty).again_of_id = dead  # it has no delivery to the speakers of this one
    running: set[int] = set()

    class Asterisk(FakeAsterisk):
        async def request(self, operation: Operation, **given: Any) -> Any:
            if operation is operations.LIST_BRIDGES:
                running.add(new)  # its rows were committed before, and its task begins only now
            return await super().request(operation, **given)

    recordings = cast(Recordings, NoRecordings())
    await clear_orphans(Asterisk().client, database, recordings, [], NODE, running.__contains__)
    with database.session() as session:
        states = {one.id: one.state for one in session.scalars(sa.select(Broadcast))}
    assert states == {new: "calling", dead: "failed", faulty: "failed"}
