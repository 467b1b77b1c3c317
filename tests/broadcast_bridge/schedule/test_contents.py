"""Programmes that a schedule plays: those that may be played at that moment, and a reason when there are none."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule import dispatch
from broadcast_bridge.schedule.conflicts import conflicts_of
from broadcast_bridge.schedule.contents import UNKNOWN_SECONDS, Contents
from broadcast_bridge.schedule.forecast import Forecast
from broadcast_bridge.schedule.models import Occurrence, Schedule, ScheduleItem
from broadcast_bridge.schedule.states import OccurrenceReason
from haichieu.alarms import open_alarms
from haichieu.database import Database
from haichieu.locale import render
from haichieu.media import Media
from haichieu.people import Level, Unit
from tests.builders.places import Commune, commune
from tests.builders.programmes import programme
from tests.builders.queries import queries
from tests.builders.schedules import DAY, NOW, daily, minutes

DUE = NOW + minutes(30)
BULLETIN = "Bản tin"


def made(session: Session, place: Commune, title: str, age: int = 0, **values: object) -> Programme:
    """Add a programme of the category that was approved `age` days ago."""
    sound = Media(sha256=f"{title:0>64}", bytes=1, seconds=60.0, created_at=NOW)
    session.add(sound)
    session.flush()
    one = programme(session, title, seconds=60.0, unit_id=place.commune.id)
    one.category, one.state, one.sound_id, one.updated_at = BULLETIN, "approved", sound.id, NOW - age * DAY
    for name, value in values.items():
        setattr(one, name, value)
    session.flush()
    return one


def slot(session: Session, place: Commune, **given: object) -> Schedule:
    return daily(session, place, what="newest", category=BULLETIN, programme=None, **given)


def playlist(session: Session, place: Commune, *programmes: Programme) -> Schedule:
    items = [ScheduleItem(position=place, programme_id=one.id) for place, one in enumerate(programmes)]
    return daily(session, place, what="playlist", programme=None, items=items)


def played(session: Session, schedule: Schedule) -> tuple[list[str], str | None]:
    """Let the occurrence of this morning come due; return the titles that its broadcast plays, or the reason."""
    dispatch.look_ahead(session, NOW)
    dispatch.put_on_air(session, "run", DUE)
    row = session.scalars(
        sa.select(Occurrence).where(Occurrence.schedule_id == schedule.id, Occurrence.due_at == DUE)
    ).one()
    if row.broadcast_id is None:
        return [], row.reason
    sounds = session.get_one(Broadcast, row.broadcast_id).sounds
    return [session.get_one(Programme, sound.programme_id).title for sound in sounds], row.reason


@pytest.mark.both_databases
def test_slot_plays_what_was_approved_last_and_may_be_played(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        other = Unit(code="E", name="Nơi khác", level=Level.COMMUNE)
        session.add(other)
        session.flush()
        made(session, place, "cũ", 9)
        made(session, place, "đúng", 5, valid_until=DUE + minutes(1))
        made(session, place, "hết hạn", 4, valid_until=DUE)
        made(session, place, "nháp", 3, state="draft")
        made(session, place, "đã thu hồi", 2, state="withdrawn")
        made(session, place, "chưa có tiếng", 1, sound_id=None)
        made(session, place, "thể loại khác", category="Ca nhạc")
        made(session, place, "xã khác", unit_id=other.id)
        schedule = slot(session, place)
        assert played(session, schedule) == (["đúng"], None)
        made(session, place, "vừa duyệt")
        contents = Contents(session, [schedule])
        assert [one.title for one in contents.of(schedule, DUE + DAY).programmes] == ["vừa duyệt"]


@pytest.mark.both_databases
def test_slot_falls_back_to_older_programmes_as_newer_ones_expire(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        for age, title, days in ((4, "lâu nhất", 20), (3, "ngắn hơn", 5), (2, "lâu hơn", 9), (1, "mới nhất", 3)):
            made(session, place, title, age, valid_until=NOW + days * DAY)
        schedule = slot(session, place)
        contents = Contents(session, [schedule])
        found = [contents.of(schedule, NOW + days * DAY) for days in (0, 3, 8, 9, 20)]
        titles = [[one.title for one in content.programmes] for content in found]
        assert titles == [["mới nhất"], ["lâu hơn"], ["lâu hơn"], ["lâu nhất"], []]
        assert found[-1].obstacle is OccurrenceReason.NOTHING_APPROVED


def test_empty_slot_is_missed_with_an_alarm_and_was_foreseen(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        made(session, place, "hết hạn", valid_until=NOW)
        schedule = slot(session, place)
        (obstacle,) = Forecast(session, [schedule]).upcoming(schedule, NOW)
        assert obstacle.reason is OccurrenceReason.NOTHING_APPROVED
        assert played(session, schedule) == ([], "nothing_approved")
        (alarm,) = open_alarms(session)
        assert alarm.subject == f"schedule:{schedule.id}"
        assert "chưa có chương trình nào của thể loại này" in render(alarm.text, "vi")


def test_playlist_plays_what_may_be_played_in_its_order(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        anthem, draft, news, gone = (
            made(session, place, "nhạc"), made(session, place, "nháp", state="draft"), made(session, place, "tin"),
            made(session, place, "đã thu hồi", state="withdrawn"),
        )  # fmt: skip
        schedule = playlist(session, place, anthem, draft, news, gone, anthem)
        content = Contents(session, [schedule]).of(schedule, DUE)
        assert content.left_out == [(draft, OccurrenceReason.NOT_APPROVED), (gone, OccurrenceReason.WITHDRAWN)]
        assert played(session, schedule) == (["nhạc", "tin", "nhạc"], None)


def test_playlist_of_which_nothing_may_be_played_says_why(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        schedule = playlist(session, place, made(session, place, "đã thu hồi", state="withdrawn"))
        assert played(session, schedule) == ([], "withdrawn")
        assert [alarm.subject for alarm in open_alarms(session)] == [f"schedule:{schedule.id}"]


def test_expected_length_is_that_of_what_would_be_played(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        schedule = slot(session, place)
        assert Contents(session, [schedule]).seconds(schedule, DUE) == UNKNOWN_SECONDS
        made(session, place, "dài", seconds=1200.0)
        long = Contents(session, [schedule]).seconds(schedule, DUE)
        listed = playlist(session, place, made(session, place, "a", 1), made(session, place, "b", state="draft"))
        assert (long, Contents(session, [listed]).seconds(listed, DUE)) == (1200.0, 60.0)
        listed.starts = datetime.datetime(2026, 11, 1, 5, 45)
        session.flush()
        (found,) = conflicts_of(session, listed, NOW, NOW + DAY)
        assert (found.winner.schedule_id, found.loser.schedule_id) == (schedule.id, listed.id)


def test_programmes_of_many_slots_are_read_in_one_query(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        slots = []
        for number in range(20):
            made(session, place, f"tin {number}", category=f"Loại {number}")
            slots.append(daily(session, place, what="newest", category=f"Loại {number}", programme=None))
    with queries(database) as asked, database.reading() as session:
        contents = Contents(session, [session.merge(one, load=False) for one in slots])
    assert len([one for one in asked if "programmes" in str(one)]) == 1
    assert all(contents.of(one, DUE).programmes for one in slots)


def test_programmes_of_many_playlists_are_read_in_two_queries(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        numbers = [
            playlist(session, place, made(session, place, f"{number} a"), made(session, place, f"{number} b")).id
            for number in range(20)
        ]
    with database.reading() as session:
        lists = session.scalars(sa.select(Schedule).where(Schedule.id.in_(numbers))).all()
        with queries(database) as asked:
            contents = Contents(session, lists)
            assert all(len(contents.of(one, DUE).programmes) == 2 for one in lists)
    assert len(asked) == 2
