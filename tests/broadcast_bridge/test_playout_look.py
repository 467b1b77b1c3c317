"""Cost of the look that the playout takes after every commit."""

import datetime
import time
from types import SimpleNamespace
from typing import cast

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts import catch_up, starting
from broadcast_bridge.models import Broadcast, Delivery
from broadcast_bridge.schedule.models import Occurrence
from broadcast_bridge.studio.playout import Playout
from broadcast_bridge.studio.playout_look import PlayoutLook
from broadcast_bridge.studio.studio import Studio
from haichieu.database import Database, now
from haichieu.people import Level, Unit
from tests.builders.airings import NODE, NOW, asked, begun, later
from tests.builders.places import commune
from tests.builders.queries import queries
from tests.builders.quiet_district import MINUTE, MISSED, NIGHT, ZONES, district
from tests.builders.schedules import daily
from tests.fake_asterisk import FakeAsterisk
from tests.faulty_database import FaultyDatabase

MOST_QUERIES = 30


@pytest.mark.both_databases
@pytest.mark.parametrize(("quiet", "begun"), [(ZONES, 0), (0, MISSED)])
def test_look_needs_few_queries_however_many_speakers_missed_something(
    database: Database, quiet: int, begun: int
) -> None:
    with database.session() as session:
        district(session, quiet)
    rows = PlayoutLook("run", NODE)
    with database.session() as session:
        rows.write(session, set(), NIGHT - MINUTE)  # makes the occurrences of the coming days
        session.rollback()
    with queries(database) as asked_for, database.reading() as session:
        is_more = rows.is_something_to_write(session, set(), NIGHT)
        rows.read(session, set(), NIGHT)
    assert is_more == (begun > 0)
    assert len(asked_for) <= MOST_QUERIES
    with queries(database) as asked_for, database.session() as session:
        found = rows.write(session, set(), NIGHT).begin
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Delivery.active)) == begun
    assert len(found) == (5 if begun else 0)
    assert len(asked_for) <= MOST_QUERIES


@pytest.mark.both_databases
def test_waiting_broadcast_changes_no_row(database: Database) -> None:
    rows = PlayoutLook("run", NODE)
    with database.session() as session:
        rows.write(session, set(), NOW)
        place = commune(session)
        begun(session, place)
        waiting = asked(session, place).id
        assert starting.begin(session, waiting, NODE, later(1)) is None
    with queries(database) as asked_for, database.session() as session:
        rows.write(session, set(), later(2))
        assert session.get_one(Broadcast, waiting).reason == "in_use"
    assert [one for one in asked_for if one.startswith(("INSERT", "DELETE", "UPDATE broadcasts"))] == []


def test_speaker_that_must_be_silent_gets_it_when_the_quiet_hours_end(database: Database) -> None:
    with database.session() as session:
        district(session)
        assert catch_up.begin(session, NIGHT, NODE) == []
        assert len(catch_up.begin(session, NIGHT + datetime.timedelta(hours=6), NODE)) == 5


def test_look_with_nothing_to_begin_takes_no_write_lock(database: Database) -> None:
    rows = PlayoutLook("run", NODE)
    with database.session() as session:
        district(session)
        rows.write(session, set(), NIGHT - MINUTE)
    with database.session() as writer:
        writer.add(Unit(code="X", name="X", level=Level.COMMUNE))
        writer.flush()
        begun_at = time.monotonic()
        with database.reading() as session:
            assert not rows.is_something_to_write(session, set(), NIGHT)
        assert time.monotonic() - begun_at < 5  # a writer would wait for 15 seconds


async def test_playout_with_nothing_to_begin_writes_nothing(database: Database) -> None:
    locked, studio = FaultyDatabase(database), SimpleNamespace(node=NODE, on_air=frozenset())
    playout = Playout(FakeAsterisk().client, locked, cast(Studio, studio), lambda call, who: None)
    await playout._look()  # makes the occurrences of the coming days
    locked.lock()
    assert (await playout._look()).begin == ()
    locked.close()


async def test_new_schedule_is_planned_although_the_first_write_failed(database: Database) -> None:
    faulty, studio = FaultyDatabase(database), SimpleNamespace(node=NODE, on_air=frozenset())
    playout = Playout(FakeAsterisk().client, faulty, cast(Studio, studio), lambda call, who: None)
    await playout._look()
    with database.session() as session:
        daily(session, commune(session), materialised_until=now())
    faulty.lock()
    with pytest.raises(sa.exc.OperationalError):
        await playout._look()
    faulty.release()
    await playout._look()
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Occurrence)) > 0
    faulty.close()
