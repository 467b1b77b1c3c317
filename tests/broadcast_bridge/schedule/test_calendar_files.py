import contextlib
import datetime

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcast_bridge.broadcasts.states import AfterCut, Priority
from broadcast_bridge.schedule.calendar_components import MAX_BYTES, MAX_EVENTS, take_apart
from broadcast_bridge.schedule.calendar_export import export_calendar
from broadcast_bridge.schedule.editing import draft_of, plan, remove
from broadcast_bridge.schedule.errors import CalendarRefused
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.schedule.states import Days, What
from haichieu.database import Database
from haichieu.locale import render
from haichieu.people import Right
from tests.builders.calendar_files import START, calendar, due, event, only, planner, take
from tests.builders.places import commune
from tests.builders.programmes import programme
from tests.builders.schedules import NOW, bulletin
from tests.examples import examples

OFFSET_7 = """BEGIN:VTIMEZONE
TZID:Giờ Hà Nội
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0700
TZOFFSETTO:+0700
END:STANDARD
END:VTIMEZONE
"""


def test_what_goes_out_comes_in_again_as_it_was(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        drafts = [
            bulletin(session, place, title="Bản tin; sáng, “mới”", rrule="FREQ=WEEKLY;BYDAY=MO,WE",
                     priority=Priority.PRIORITY, exdates=("2026-12-02", "2026-12-07T05:30"),
                     rdates=("2026-12-05T08:00",), catch_up_minutes=30,
                     days=Days.NOT_ON_HOLIDAYS, after_cut=AfterCut.AGAIN, expected_seconds=90.0,
                     valid_from=datetime.date(2026, 11, 1), timezone="Europe/Berlin"),
            bulletin(session, place, title="Rằm", rrule="", lunar="DAY=15"),
            bulletin(session, place, title="Chủ tịch", what=What.LIVE, programme_id=None,
                     official_id=place.official.id, rrule="", priority=Priority.EMERGENCY,
                     fallback_programme_id=programme(session, "Nhạc").id),
            bulletin(session, place, title="Trưa", what=What.NEWEST, programme_id=None, category="Bản tin"),
            bulletin(session, place, title="Chiều", what=What.PLAYLIST, programme_id=None,
                     programme_ids=tuple(programme(session, one, unit_id=place.commune.id).id for one in "ABC")),
        ]  # fmt: skip
        made = [plan(session, draft, planner(place), NOW) for draft in drafts]
        before = [draft_of(one) for one in made]
        file = export_calendar(session, made, NOW)
        again = take(session, place, file)
        assert (again.planned, again.changed, len(again.unchanged)) == ([], [], 5)
        for one in made:
            remove(session, one.id, planner(place), NOW)
        assert len(take(session, place, file).planned) == 5
        fresh = session.scalars(sa.select(Schedule).where(Schedule.removed_at.is_(None)).order_by(Schedule.id)).all()
        after = [draft_of(one) for one in fresh]
        for old, new in zip(before, after, strict=True):
            assert old == new


def test_an_event_of_another_calendar_takes_the_defaults(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        report = take(session, place, calendar(event(START + "RRULE:FREQ=DAILY;UNTIL=20261126T000000Z\n")))
        made = only(session)
        assert report.planned == ["a@x"]
        assert (made.title, made.timezone, [zone.code for zone in made.zones]) == (
            "Bản tin sáng",
            "Asia/Ho_Chi_Minh",
            ["11"],
        )
        assert due(made) == ["11-23 22:30", "11-24 22:30", "11-25 22:30"]


def test_taking_it_over_again_changes_nothing_and_a_newer_one_changes(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        take(session, place, calendar(event()))
        assert take(session, place, calendar(event())).unchanged == ["a@x"]
        assert take(session, place, calendar(event(START.replace("0530", "0600")))).changed == ["a@x"]
        assert (only(session).starts.hour, only(session).version) == (6, 2)


@pytest.mark.parametrize(
    ("start", "definition", "timezone"),
    [
        ("DTSTART;TZID=Giờ Hà Nội:20261124T053000\n", OFFSET_7, "Asia/Ho_Chi_Minh"),
        ("DTSTART;TZID=SE Asia Standard Time:20261124T053000\n", "", "Asia/Bangkok"),
        ("DTSTART;TZID=/mozilla.org/20050126_1/Europe/Berlin:20261123T233000\n", "", "Europe/Berlin"),
        ("DTSTART:20261123T223000Z\n", "", "Asia/Ho_Chi_Minh"),
        ("DTSTART:20261124T053000\n", "", "Asia/Ho_Chi_Minh"),
        (
            "DTSTART;TZID=X:20261124T063000\n",
            OFFSET_7.replace("+0700", "+0800").replace("Giờ Hà Nội", "X"),
            "Asia/Ho_Chi_Minh",
        ),
        # A definition in the file holds, whatever the name says.
        (
            "DTSTART;TZID=Europe/Berlin:20261124T053000\n",
            OFFSET_7.replace("Giờ Hà Nội", "Europe/Berlin"),
            "Asia/Ho_Chi_Minh",
        ),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_way_to_name_a_time_zone_is_the_same_moment(
    database: Database, start: str, definition: str, timezone: str
) -> None:
    with database.session() as session:
        take(session, commune(session), calendar(definition, event(start)))
        made = only(session)
        assert (made.timezone, due(made)) == (timezone, ["11-23 22:30"])


def test_single_days_that_were_moved_or_cancelled_are_honoured(database: Database) -> None:
    series = event(
        START + "RRULE:FREQ=DAILY;COUNT=5\nEXDATE;TZID=Asia/Ho_Chi_Minh:20261125T053000\nEXDATE:20261125T223000Z\n"
    )
    moved = event("RECURRENCE-ID:20261126T223000Z\nDTSTART:20261127T010000Z\n")
    cancelled = event(
        "RECURRENCE-ID;TZID=Asia/Ho_Chi_Minh:20261128T053000\nDTSTART:20261127T223000Z\nSTATUS:CANCELLED\n"
    )
    with database.session() as session:
        take(session, commune(session), calendar(moved, series, cancelled))
        assert due(only(session)) == ["11-23 22:30", "11-27 01:00"]


def test_a_start_that_does_not_fit_its_rule_counts_all_the_same(database: Database) -> None:
    with database.session() as session:
        take(session, commune(session), calendar(event(START + "RRULE:FREQ=WEEKLY;BYDAY=FR\n")))
        assert due(only(session), 5) == ["11-23 22:30", "11-26 22:30"]


def test_a_cancelled_event_is_switched_off(database: Database) -> None:
    with database.session() as session:
        take(session, commune(session), calendar(event(START + "STATUS:CANCELLED\n")))
        assert not only(session).enabled


def test_unknown_components_are_left_out_and_named(database: Database) -> None:
    alarm = "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM\n"
    other = "BEGIN:VTODO\nUID:t\nEND:VTODO\nBEGIN:X-MEETING\nBEGIN:X-PART\nEND:X-PART\nEND:X-MEETING\n"
    with database.session() as session:
        report = take(session, commune(session), calendar(event(START + alarm + alarm), other))
        assert report.planned == ["a@x"]
        assert dict(report.ignored) == {"VALARM": 2, "VTODO": 1, "X-MEETING": 1, "X-PART": 1}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "truncated or empty"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"hello", "not a calendar file"),
        (calendar(event())[:-15], "truncated"),
        (calendar(event()).replace(b"SUMMARY", b"SUMM\x00ARY"), "Line 7: The line contains a control"),
        (calendar("BEGIN:VEVENT\nEND:VTODO\n"), "Line 5: END:VTODO has no matching BEGIN"),
        (calendar("BEGIN:A\n" * 7), "nested too deeply"),
        (calendar(event()) * 2, "exactly one VCALENDAR"),
        (b"BEGIN:VCALENDAR\r\n" + b"X:" + b"y" * MAX_BYTES, "larger than"),
        (calendar("X:" + "y" * 50_000 + "\n"), "too long"),
        (calendar(*(["BEGIN:VEVENT\nEND:VEVENT\n"] * (MAX_EVENTS + 1))), "more than 2000 VEVENT"),
        (calendar(event("")), "VEVENT -: DTSTART is missing"),
        (calendar(event(uid="")), "UID"),
        (calendar(event("DTSTART;VALUE=DATE:20261124\n")), "no time of day"),
        (calendar(event("DTSTART:20260230T053000\n")), "Line 4"),
        (calendar(event(START + "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\n")), "never has a day 30"),
        (calendar(event(START + "RRULE:FREQ=SECONDLY\n")), "too frequent"),
        (calendar(event(START + "RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY\n")), "RRULE appears twice"),
        (calendar(event(START + START)), "DTSTART appears twice"),
        (calendar(event("DTSTART;TZID=Mars/Olympus:20261124T053000\n")), "Mars/Olympus"),
        (calendar(OFFSET_7.replace("TZOFFSETTO:+0700\n", ""), event("DTSTART;TZID=Giờ Hà Nội:20261124T053000\n")),
         "VTIMEZONE"),
        (calendar(event(), event()), "UID appears twice"),
        (calendar(event("RECURRENCE-ID:20261126T223000Z\nDTSTART:20261127T010000Z\nRRULE:FREQ=DAILY\n")),
         "cannot have RRULE"),
        (calendar(event(START + "X-HAICHIEU-SCHEDULE:{\n")), "X-HAICHIEU-SCHEDULE"),
        (calendar(event(START + 'X-HAICHIEU-SCHEDULE:{"what":"rocket"}\n')), "what"),
        (calendar(event(START + 'X-HAICHIEU-SCHEDULE:{"zones":["77"]}\n')), "zone “77”"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_file_with_a_mistake_is_refused_in_words_and_changes_nothing(
    database: Database, data: bytes, words: str
) -> None:
    with database.session() as session:
        place = commune(session)
        good_first = data.replace(b"BEGIN:VEVENT", event(uid="good").encode() + b"BEGIN:VEVENT", 1)
        for file in (data, good_first):
            with pytest.raises(CalendarRefused, match=words if file is data else None):
                take(session, place, file)
            assert session.scalars(sa.select(Schedule)).all() == []


def test_each_mistake_has_its_line(database: Database) -> None:
    bad = event(START + "RRULE:FREQ=HOURLY\n", uid="b@x")
    with database.session() as session, pytest.raises(CalendarRefused) as refusal:
        take(session, commune(session), calendar(event(), bad, event(uid="c@x"), bad.replace("b@x", "d@x")))
    for language, line in (("vi", "Dòng"), ("en", "Line")):
        lines = render(refusal.value.message, language).splitlines()
        assert [one.split(":")[0] for one in lines] == [f"{line} 10, VEVENT b@x", f"{line} 23, VEVENT d@x"]


@pytest.mark.parametrize(
    ("ours", "right"),
    [('{"priority":"emergency"}', "emergency"), ('{"what":"live"\\,"official":"1011"}', "live")],
)
def test_what_the_importer_may_not_plan_is_refused(database: Database, ours: str, right: str) -> None:
    data = calendar(event(START + f"X-HAICHIEU-SCHEDULE:{ours}\n"))
    with database.session() as session:
        place = commune(session)
        with pytest.raises(CalendarRefused, match=right):
            take(session, place, data, frozenset({Right.SCHEDULE}))
        assert take(session, place, data).planned == ["a@x"]


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200)
    | st.lists(
        st.sampled_from(
            ["BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE", "END:VTIMEZONE",
             "X:1", " y", "UID:1", "BEGIN:", "END", ":", ""]
        )
    ).map(lambda lines: "\r\n".join(lines).encode())
)  # fmt: skip
def test_no_bytes_make_it_stumble(data: bytes) -> None:
    with contextlib.suppress(CalendarRefused):
        take_apart(data)
