"""Cost of the look that the playout takes after every commit."""

import datetime
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import catch_up, starting
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Speaker, Zone
from broadcast_bridge.studio.playout_look import PlayoutLook
from haichieu.database import Database
from haichieu.people import Level, Unit
from tests.builders.airings import NODE, NOW, asked, begun, later, sound
from tests.builders.places import commune

MOST_QUERIES = 30
SPEAKERS, ZONES, MISSED = 2000, 60, 500
NIGHT = datetime.datetime(2026, 11, 24, 16, 0, tzinfo=datetime.UTC)
"""23:00 in Vietnam."""
MINUTE = datetime.timedelta(minutes=1)


@contextmanager
def queries(database: Database) -> Iterator[list[str]]:
    """Collect the statements of the block."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)


def district(session: Session, quiet: int = ZONES) -> None:
    """Add a district in which many speakers missed a broadcast; the first zones have quiet hours at night."""
    top = Unit(code="D", name="D", level=Level.DISTRICT)
    session.add(top)
    session.flush()
    villages = [Unit(code=f"V{i}", name=f"V{i}", level=Level.VILLAGE, parent_id=top.id) for i in range(ZONES)]
    session.add_all(villages)
    session.flush()
    session.add_all(
        Zone(code=str(i), name=f"Z{i}", units=[one], quiet_hours="21:00-05:00" if i < quiet else "")
        for i, one in enumerate(villages)
    )
    speakers = [
        Speaker(code=f"s{i}", name=f"S{i}", unit_id=villages[i % ZONES].id, reachable=True) for i in range(SPEAKERS)
    ]
    session.add_all(speakers)
    session.flush()
    media_id = sound(session)
    for number in range(5):
        session.add(
            Broadcast(
                kind="recorded", title=f"B{number}", asked_by="schedule:1", zone_names="", state="ended",
                created_at=NIGHT, due_at=NIGHT, live_at=NIGHT, ended_at=NIGHT,
                worth_hearing_until=NIGHT + datetime.timedelta(hours=12),
                sounds=[BroadcastSound(position=0, media_id=media_id)],
                deliveries=[
                    Delivery(speaker_id=one.id, state="missed", active=False)
                    for one in speakers[number * MISSED // 5 : (number + 1) * MISSED // 5]
                ],
            )
        )  # fmt: skip
    session.flush()


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
