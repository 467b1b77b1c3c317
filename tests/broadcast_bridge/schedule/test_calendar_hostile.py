"""Calendar files cut, folded and damaged anywhere: an import or a named refusal, never another error."""

import codecs
import contextlib
import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcast_bridge.schedule.calendar_components import Component, take_apart
from broadcast_bridge.schedule.calendar_files import Defaults, import_calendar
from broadcast_bridge.schedule.calendar_properties import parse_event
from broadcast_bridge.schedule.calendar_series import replaced_by, start_of, times_of, with_instances
from broadcast_bridge.schedule.calendar_zones import TimeZones
from broadcast_bridge.schedule.editing import Planner
from broadcast_bridge.schedule.errors import ScheduleRefused
from broadcast_bridge.schedule.models import Schedule
from haichieu.database import Database
from haichieu.people import Right
from tests.builders.places import commune
from tests.builders.programmes import programme
from tests.builders.schedules import NOW
from tests.examples import examples

STATION = "Asia/Ho_Chi_Minh"
FILES = [file.read_bytes() for file in sorted((Path(__file__).parent / "corpus").iterdir())]
FOLDABLE = [file for file in FILES if b"\n" in file and not file.startswith(codecs.BOM_UTF16_LE)]
VALUES = [
    b"", b"00001231T000000Z", b"99991231T235959Z", b"20261124", b"20261124T053000,20261125T053000Z", b"P1D", b"-1",
    b"FREQ=DAILY;UNTIL=99991231T235959Z", b"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", b"FREQ=SECONDLY", b"a\\,b;c:d\"e",
    "Thôn Nà Phòng".encode(), b"{\"starts\":\"9999-12-31T00:00\"}", b"{}", b"20261124T053000/PT1H", b"\xff", b"\\",
]  # fmt: skip
NAMES = [
    b"DTSTART", b"RRULE", b"EXDATE", b"RDATE", b"RECURRENCE-ID", b"SUMMARY", b"LOCATION", b"STATUS", b"SEQUENCE",
    b"UID", b"X-HAICHIEU-SCHEDULE", b"TZID", b"TZOFFSETTO", b"EXRULE", b"BEGIN", b"END", b"METHOD",
    b"DTSTART;TZID=UTC-3",
    b"DTSTART;TZID=\"x", b"RDATE;VALUE=PERIOD", b"RECURRENCE-ID;RANGE=", b"EXDATE;VALUE=DATE",
    b"DTSTART;TZID=(UTC+7)",
]  # fmt: skip


def read(data: bytes) -> list[object]:
    """Return everything that a file says about times, without a database."""
    found = take_apart(data)
    zones = TimeZones(found.time_zones, STATION)
    events = [parse_event(component) for component in found.events]
    said: list[object] = [found.method, found.ignored, [component.lines for component in found.time_zones]]
    for event in events:
        times = times_of(event, zones)
        said += [event.uid, event.words("SUMMARY"), event.words("LOCATION"), event.is_cancelled, event.sequence, times]
        if event.is_instance:
            was, start = replaced_by(event, times, zones), start_of(event, times, zones)
            said += [was, start, with_instances(times, [was], [start])]
    return said


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file of the corpus with some lines changed, lost, repeated or cut."""
    lines = draw(st.sampled_from(FILES)).split(b"\n")
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        line = lines[place]
        match draw(st.sampled_from(["value", "line", "lose", "twice", "octet", "cut"])):
            case "value":
                lines[place] = line.partition(b":")[0] + b":" + draw(st.sampled_from(VALUES) | st.binary(max_size=12))
            case "line":
                lines[place] = draw(st.sampled_from(NAMES)) + b":" + draw(st.sampled_from(VALUES))
            case "lose":
                lines[place] = b"X:"
            case "twice":
                lines.insert(place, line)
            case "octet":
                cut = draw(st.integers(0, len(line)))
                lines[place] = line[:cut] + draw(st.binary(min_size=1, max_size=2)) + line[cut + 1 :]
            case _:
                lines[place] = line[: draw(st.integers(0, len(line)))]
    return b"\n".join(lines)


@settings(max_examples=examples(300), deadline=None)
@given(st.binary(max_size=200) | damaged())
def test_damaged_file_is_read_or_refused_by_name(data: bytes) -> None:
    with contextlib.suppress(ScheduleRefused):
        read(data)


@settings(max_examples=examples(150), deadline=None)
@given(st.sampled_from(FOLDABLE), st.lists(st.integers(0, 10_000), max_size=12), st.sampled_from([b"\r\n ", b"\n\t"]))
def test_folding_anywhere_changes_nothing(data: bytes, places: list[int], fold: bytes) -> None:
    data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    folded = data
    first = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 1  # the mark is of the file, not of a line
    for place in sorted({place % (len(data) + 1) for place in places}, reverse=True):
        if place >= first and data[place - 1 : place] not in (b"\r", b"\n"):  # a line is folded after one of its octets
            folded = folded[:place] + fold + folded[place:]
    assert outcome(folded) == outcome(data)


def outcome(data: bytes) -> object:
    try:
        return read(data)
    except ScheduleRefused as refused:
        return refused.message.key


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damaged())
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_damaged_file_is_imported_wholly_or_not_at_all(database: Database, data: bytes) -> None:
    with database.session() as session:
        place = commune(session)
        programme(session, unit_id=place.commune.id)
        planner = Planner("account:lan@x.vn", frozenset(Right), frozenset({place.commune.id}))
        try:
            report = import_calendar(session, data, planner, Defaults(place.commune.id, (place.zone.id,)), NOW)
        except ScheduleRefused:
            assert session.scalars(sa.select(Schedule)).all() == []
        else:
            assert len(session.scalars(sa.select(Schedule)).all()) == len({*report.planned})
        session.rollback()


def test_time_zone_that_changes_every_second_is_refused_at_once() -> None:
    lines = ("BEGIN:VTIMEZONE", "TZID:X", "BEGIN:STANDARD", "DTSTART:16010101T000000", "TZOFFSETFROM:+0700",
             "TZOFFSETTO:+0700", "RRULE:FREQ=SECONDLY", "END:STANDARD", "END:VTIMEZONE")  # fmt: skip
    zones = TimeZones([Component("VTIMEZONE", 1, lines)], STATION)
    begun = datetime.datetime.now(datetime.UTC)
    event = parse_event(
        Component("VEVENT", 1, ("BEGIN:VEVENT", "UID:a", "DTSTART;TZID=X:20261124T053000", "END:VEVENT"))
    )
    with pytest.raises(ScheduleRefused, match="VTIMEZONE"):
        times_of(event, zones)
    assert datetime.datetime.now(datetime.UTC) - begun < datetime.timedelta(seconds=10)
