import datetime

from sqlalchemy.orm import Session

from broadcast_bridge.models import Zone
from broadcast_bridge.schedule.conflicts import all_conflicts, conflicts_of
from broadcast_bridge.schedule.models import Schedule
from haichieu.database import Database
from tests.builders.places import Commune, commune
from tests.builders.schedules import DAY, NOW, daily, minutes

WEEK = NOW + 7 * DAY


def district_zone(session: Session, place: Commune) -> Zone:
    zone = Zone(code="99", name="Toàn huyện", units=[place.district])
    session.add(zone)
    session.flush()
    return zone


def titles(session: Session, most: int = 200) -> list[tuple[str, str]]:
    return [(one.winner.title, one.loser.title) for one in all_conflicts(session, NOW, WEEK, most)]


def test_two_that_want_one_speaker_at_one_moment_are_named_with_the_winner(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        village = daily(session, place, "05:30", title="Xã")
        district = daily(
            session, place, "05:33", title="Huyện", priority="priority", zones=[district_zone(session, place)]
        )
        (found,) = all_conflicts(session, NOW, WEEK)
        assert (found.winner.schedule_id, found.loser.schedule_id) == (district.id, village.id)
        assert found.at == NOW + minutes(33)
        assert found.speakers == tuple(sorted(speaker.name for speaker in place.speakers))
        assert found.times == 7


def test_of_equals_the_earlier_start_wins_then_the_older_schedule(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        daily(session, place, "05:32", title="muộn")
        daily(session, place, "05:30", title="sớm")
        daily(session, place, "05:30", title="sớm nữa")
        assert set(titles(session)) == {("sớm", "sớm nữa"), ("sớm", "muộn"), ("sớm nữa", "muộn")}


def test_schedules_at_other_times_places_or_days_do_not_conflict(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        daily(session, place, "05:30")
        daily(session, place, "05:35")
        daily(session, commune(session, code="22"), "05:30")
        daily(session, place, "05:31", rrule="FREQ=YEARLY")
        daily(session, place, "05:31", enabled=False)
        assert titles(session) == []


def test_what_is_on_air_already_counts(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        daily(session, place, "04:50", title="dài", what="live", official=place.official, rrule="")
        session.flush()
        daily(session, place, "04:40", title="đang phát", expected_seconds=3600.0)
        daily(session, place, "05:10", title="mới")
        assert titles(session) == [("đang phát", "mới")]


def test_one_that_is_only_being_made_sees_whom_it_would_meet(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        daily(session, place, "05:30", title="cũ")
        daily(session, place, "05:31", title="cũ nữa")
        fresh = Schedule(
            title="mới", what="programme", priority="normal", starts=datetime.datetime(2026, 11, 24, 5, 32),
            timezone="Asia/Ho_Chi_Minh", rrule="", lunar="", exdates=[], rdates=[], days="any", zones=[place.zone],
            expected_seconds=60.0,
        )  # fmt: skip
        found = conflicts_of(session, fresh, NOW, WEEK)
        assert {(one.winner.title, one.loser.title, one.times) for one in found} == {
            ("cũ", "mới", 1),
            ("cũ nữa", "mới", 1),
        }


def test_the_list_has_an_end(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        for number in range(8):
            daily(session, place, title=str(number))
        assert len(titles(session)) == 28
        assert len(titles(session, most=5)) == 5
