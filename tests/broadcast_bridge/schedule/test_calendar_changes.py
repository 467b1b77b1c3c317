"""Calendar files that change or cancel what is in the schedule, and exports that come back from another program."""

import dataclasses
import datetime
import re
import unicodedata

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Zone
from broadcast_bridge.schedule.calendar_export import export_calendar
from broadcast_bridge.schedule.calendar_files import Defaults, Imported, import_calendar
from broadcast_bridge.schedule.description import in_words
from broadcast_bridge.schedule.editing import change, draft_of, plan
from broadcast_bridge.schedule.errors import CalendarRefused
from broadcast_bridge.schedule.materialise import materialise, recurrence_of
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.states import Days, What
from haichieu.database import Database
from tests.builders.calendar_files import START, calendar, due, event, only, planner, take
from tests.builders.places import Commune, commune
from tests.builders.programmes import programme
from tests.builders.schedules import DAY, NOW, bulletin

LOCAL = datetime.timezone(datetime.timedelta(hours=7))
OTHER = re.compile(rb"X-HAICHIEU-SCHEDULE[^\r]*\r\n(?: [^\r]*\r\n)*")
SERIES = event(START + "RRULE:FREQ=DAILY;COUNT=4\n")


def headed(method: str, *components: str) -> bytes:
    return calendar(*components).replace(b"VERSION:2.0\r\n", f"VERSION:2.0\r\nMETHOD:{method}\r\n".encode())


def instance(summary: str, start: str = "20261125T060000", more: str = "") -> str:
    said = event(f"RECURRENCE-ID:20261124T223000Z\nDTSTART;TZID=Asia/Ho_Chi_Minh:{start}\n{more}")
    return said.replace("Bản tin sáng", summary)


def bare(session: Session, place: Commune, data: bytes, zones: tuple[int, ...] = ()) -> Imported:
    return import_calendar(session, data, planner(place), Defaults(place.commune.id, zones), NOW)


@pytest.mark.parametrize("status", ["", "STATUS:CONFIRMED\n"])
def test_cancellation_switches_the_known_event_off(database: Database, status: str) -> None:
    with database.session() as session:
        place = commune(session)
        take(session, place, calendar(SERIES))
        report = take(session, place, headed("cancel", event(status)))
        made = only(session)
        assert (report.changed, made.enabled, made.rrule) == (["a@x"], False, "FREQ=DAILY;COUNT=4")
        assert take(session, place, headed("CANCEL", event(START))).unchanged == ["a@x"]


def test_cancelled_instance_leaves_the_others(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        take(session, place, calendar(SERIES))
        take(session, place, headed("CANCEL", event("RECURRENCE-ID:20261124T223000Z\n")))
        assert due(only(session)) == ["11-23 22:30", "11-25 22:30", "11-26 22:30"]


def test_cancellation_reaches_an_instance_of_another_programme(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        programme(session, "Nông vụ", unit_id=place.commune.id)
        take(session, place, calendar(SERIES, instance("Nông vụ")))
        take(session, place, headed("CANCEL", event("RECURRENCE-ID:20261124T223000Z\n")))
        found = session.scalars(sa.select(Schedule).order_by(Schedule.id)).all()
        assert [one.enabled for one in found] == [True, False]


def test_instance_of_a_known_series_alone_is_refused(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        take(session, place, calendar(SERIES))
        with pytest.raises(CalendarRefused, match="recurring event of this instance is missing"):
            take(session, place, calendar(instance("Bản tin sáng")))
        assert len(due(only(session))) == 4


def test_instance_that_came_alone_follows_its_series(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        take(session, place, calendar(instance("Bản tin sáng")))
        assert due(only(session)) == ["11-24 23:00"]
        take(session, place, calendar(SERIES, instance("Bản tin sáng")))
        (series,) = session.scalars(sa.select(Schedule).where(Schedule.removed_at.is_(None)))
        assert due(series) == ["11-23 22:30", "11-24 23:00", "11-25 22:30", "11-26 22:30"]


def test_instance_follows_the_newer_file(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        programme(session, "Nông vụ", unit_id=place.commune.id)
        take(session, place, calendar(SERIES, instance("Nông vụ")))
        moved = take(session, place, calendar(SERIES, instance("Nông vụ", "20261125T070000")))
        assert moved.changed == ["a@x#20261125T0530"]
        take(session, place, calendar(SERIES))
        assert due(only_alive(session)) == ["11-23 22:30", "11-24 22:30", "11-25 22:30", "11-26 22:30"]


def only_alive(session: Session) -> Schedule:
    session.flush()
    session.expire_all()
    return session.scalars(sa.select(Schedule).where(Schedule.removed_at.is_(None))).one()


def test_title_of_one_instance_is_not_dropped(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        take(session, place, calendar(SERIES, instance("Tin khẩn về bão")))
        found = session.scalars(sa.select(Schedule).order_by(Schedule.id)).all()
        assert [(one.title, due(one)) for one in found] == [
            ("Bản tin sáng", ["11-23 22:30", "11-25 22:30", "11-26 22:30"]),
            ("Tin khẩn về bão", ["11-24 23:00"]),
        ]


def test_instance_of_two_same_versions_is_refused(database: Database) -> None:
    with database.session() as session, pytest.raises(CalendarRefused, match="RECURRENCE-ID appears twice"):
        take(session, commune(session), calendar(SERIES, instance("Bản tin sáng"), instance("Bản tin sáng")))


def test_export_survives_a_calendar_that_drops_our_property(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        session.add(Zone(code="NP", name="Thôn Nà Phòng, Khu 2", units=[place.commune]))
        session.flush()
        zones = tuple(session.scalars(sa.select(Zone.id)))
        drafts = [
            bulletin(session, place, zone_ids=zones, days=Days.WORKING_DAYS, priority=Priority.EMERGENCY,
                     exdates=("2026-12-02", "2026-12-07T05:30"), rdates=("2026-12-05T08:00",)),
            bulletin(session, place, title="Thứ Sáu", rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"),
            bulletin(session, place, title="Rằm", rrule="", lunar="DAY=15", valid_until=datetime.date(2027, 1, 1)),
            bulletin(session, place, title="Chủ tịch", what=What.LIVE, programme_id=None,
                     official_id=place.official.id, catch_up_minutes=20),
        ]  # fmt: skip
        made = [plan(session, draft, planner(place), NOW) for draft in drafts]
        before = [draft_of(one) for one in made]
        data = export_calendar(session, made, NOW)
        for file in (OTHER.sub(b"", data), unicodedata.normalize("NFD", data.decode()).encode()):
            report = bare(session, place, file)
            assert (report.planned, report.changed, len(report.unchanged)) == ([], [], 4)
        assert [draft_of(one) for one in made] == before


def test_stranger_plays_an_export_without_our_property_alike(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        friday = bulletin(session, place, rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=FR")
        off = bulletin(session, place, enabled=False)
        full_moon = bulletin(session, place, rrule="", lunar="DAY=15")
        made = [plan(session, draft, planner(place), NOW) for draft in (friday, off, full_moon)]
        data = OTHER.sub(b"", export_calendar(session, made, NOW)).replace(b"UID:", b"UID:other-")
        bare(session, place, data)
        found = session.scalars(sa.select(Schedule).order_by(Schedule.id)).all()
        for old, new in zip(found[:3], found[3:], strict=True):
            assert (new.enabled, due(new, 90)) == (old.enabled, due(old, 90))


def test_zone_changed_in_another_calendar_is_taken(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        session.add(Zone(code="NP", name="Thôn Nà Phòng", units=[place.commune]))
        made = plan(session, bulletin(session, place), planner(place), NOW)
        data = export_calendar(session, [made], NOW)
        assert bare(session, place, data.replace(b"Khu 11", "Thôn Nà Phòng".encode())).changed == [made.uid]
        assert [zone.code for zone in only(session).zones] == ["NP"]
        # An old name of a zone is no name any more; the code of the export still is.
        only(session).zones[0].name = "Thôn Mới"
        data = export_calendar(session, [only(session)], NOW)
        assert bare(session, place, data.replace("Thôn Mới".encode(), "Thôn Cũ".encode())).unchanged == [made.uid]


def test_two_zones_of_one_name_are_not_guessed(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        session.add_all(Zone(code=code, name="Thôn Đông", units=[place.commune]) for code in ("A", "B"))
        programme(session)
        with pytest.raises(CalendarRefused, match="Several zones are named “thôn đông”"):
            bare(session, place, calendar(event(START + "LOCATION:thôn đông\n")), (place.zone.id,))


@pytest.mark.parametrize(
    ("start", "rule"),
    [("DTSTART:20261123T223000Z\n", "RRULE:FREQ=DAILY\n"), ("DTSTART:20261123T223000Z\n", "RRULE:FREQ=MONTHLY;"
      "BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=22,23,24,25,26,27,28,29,30,-1\n"),
     ("DTSTART;TZID=Asia/Tokyo:20261124T073000\n", "RRULE:FREQ=DAILY\n"),
     ("DTSTART;TZID=America/New_York:20261123T173000\n", "RRULE:FREQ=DAILY\n")],
)  # fmt: skip
def test_working_days_are_those_of_the_station(database: Database, start: str, rule: str) -> None:
    with database.session() as session:
        place = commune(session)
        take(session, place, calendar(event(start + rule)))
        made = only(session)
        change(session, made.id, dataclasses.replace(draft_of(made), days=Days.WORKING_DAYS), planner(place), 1, NOW)
        materialise(session, NOW + 8 * DAY, NOW)
        found = {f"{one.due_at.astimezone(LOCAL):%a %d}": one.state for one in session.scalars(sa.select(Occurrence))}
        off = {"Tue 24", "Sat 28", "Sun 29"}  # 24 November is the Day of Vietnamese Culture
        assert {day for day, state in found.items() if state == "skipped"} == off
        assert {"Fri 27", "Mon 30"} <= {day for day, state in found.items() if state == "planned"}


def test_words_say_the_time_of_the_station_or_name_the_zone(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        utc = event("DTSTART:20261123T223000Z\nRRULE:FREQ=WEEKLY;BYDAY=SU,MO;UNTIL=20261130T223000Z\n")
        tokyo = event("DTSTART;TZID=Asia/Tokyo:20261124T073000\nRRULE:FREQ=DAILY\n", uid="b@x")
        bangkok = event("DTSTART;TZID=Asia/Bangkok:20261124T053000\nRRULE:FREQ=DAILY\n", uid="c@x")
        take(session, place, calendar(utc, tokyo, bangkok))
        found = session.scalars(sa.select(Schedule).order_by(Schedule.id))
        assert [in_words(recurrence_of(one), "vi", "Asia/Ho_Chi_Minh") for one in found] == [
            "Thứ Hai, Thứ Ba hằng tuần lúc 05:30, đến hết ngày 01/12/2026",
            "Hằng ngày lúc 07:30 (giờ Asia/Tokyo)",
            "Hằng ngày lúc 05:30",
        ]


@pytest.mark.parametrize("repeated", ["SEQUENCE:1\nSEQUENCE:2\n", "STATUS:CONFIRMED\nSTATUS:TENTATIVE\n"])
def test_repeated_property_of_a_moved_instance_is_read(database: Database, repeated: str) -> None:
    moved = "RECURRENCE-ID;TZID=Asia/Ho_Chi_Minh:20261125T053000\n" + START.replace("24T0530", "25T0600") + repeated
    with database.session() as session:
        place = commune(session)
        take(session, place, calendar(event(START + "RRULE:FREQ=DAILY;COUNT=2\n"), event(moved)))
        assert due(only(session)) == ["11-23 22:30", "11-24 23:00"]
