"""One calendar file per kind of writing that other programs use, in `corpus/`, and what the station makes of it."""

import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Zone
from broadcast_bridge.schedule.calendar_files import Defaults, import_calendar
from broadcast_bridge.schedule.editing import Planner
from broadcast_bridge.schedule.errors import CalendarRefused
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Schedule
from haichieu.database import Database
from haichieu.people import Right
from tests.builders.places import commune
from tests.builders.programmes import programme
from tests.builders.schedules import NOW

CORPUS = Path(__file__).parent / "corpus"
LOCAL = datetime.timezone(datetime.timedelta(hours=7))

DUE = {
    "exdate-lists": ["24 05:30", "29 05:30", "30 05:30"],
    "folded-in-character": ["24 05:30 @NP"],
    "instance-alone": ["25 06:30", "26 05:30 Nông vụ"],
    "instance-cancelled": ["24 05:30", "26 05:30", "27 05:30"],
    "instance-on-excluded-day": ["24 05:30", "25 06:30", "26 05:30", "27 05:30"],
    "instance-other-programme": ["24 05:30", "25 06:00 Nông vụ", "26 05:30", "27 05:30"],
    "instance-other-zone": ["24 05:30", "25 05:30 @NP", "26 05:30", "27 05:30"],
    "instance-revised": ["24 05:30", "25 07:00", "26 05:30", "27 05:30"],
    "instance-same-time": ["24 05:30", "25 05:30", "26 05:30", "27 05:30"],
    "instances-swapped": ["24 05:30", "25 05:30", "25 17:00", "26 05:30"],
    "line-ends-of-old-systems": ["24 05:30"],
    "lines-before-the-calendar": ["24 05:30"],
    "location-case": ["24 05:30 @NP"],
    "location-list": ["24 05:30 @11,HB,NP"],
    "location-name-with-comma": ["24 05:30 @11,CH"],
    "location-nfd": ["24 05:30 @NP"],
    "location-tone-place": ["24 05:30 @HB"],
    "outlook-time-zone": ["24 05:30"],
    "outlook-time-zone-undefined": ["24 05:30"],
    "outlook-time-zone-unquoted": ["24 05:30"],
    "rdate-periods": ["24 05:30", "26 05:30", "27 07:00"],
    "rule-with-spaces": ["24 05:30", "26 05:30"],
    "summary-hard-spaces": ["24 05:30 Nông vụ"],
    "summary-nfd": ["24 05:30 Nông vụ"],
    "time-zone-case": ["24 05:30"],
    "time-zone-of-a-telephone": ["24 05:30"],
    "unused-properties-broken": ["24 05:30"],
    "utc-by-name": ["24 05:30", "25 05:30", "26 05:30"],
    "utc-daily": ["24 05:30", "26 05:30"],
    "utc-first-monday": ["24 05:30"],
    "utc-instance-of-a-day": ["24 05:30", "25 06:30", "26 05:30"],
    "utc-weekdays": ["24 05:30", "25 05:30", "26 05:30", "27 05:30", "30 05:30"],
    "utf-16": ["24 05:30"],
    "utc-with-tzid": ["24 05:30"],
}
REFUSED = {
    "exrule": "EXRULE cannot be imported",
    "instance-range": "RANGE=THISANDFUTURE",
    "instance-unknown-zone": "Line 11: There is no zone “Thôn Khác”",
    "instance-with-rule": "cannot have RRULE",
    "location-list-unknown": "There is no zone “Thôn Khác”",
    "location-unknown": "There is no zone “Thôn Khác”",
    "method-cancel-unknown": "no schedule has its UID",
    "method-reply": "METHOD:REPLY",
    "summary-unknown": "There is no programme “Không có”",
}


def take(session: Session, name: str) -> list[str]:
    """Import a file and return when, what and where is due in the next week; defaults are left out."""
    place = commune(session)
    session.add_all(
        Zone(code=code, name=name, units=[place.commune])
        for code, name in (("NP", "Thôn Nà Phòng"), ("HB", "Thôn Hoà Bình"), ("CH", "Khu chợ, Cô Ba"))
    )
    for title in ("Bản tin sáng", "Nông vụ"):
        programme(session, title, unit_id=place.commune.id)
    planner = Planner("account:lan@x.vn", frozenset(Right), frozenset({place.commune.id}))
    data = (CORPUS / f"{name}.ics").read_bytes()
    defaults = Defaults(place.commune.id, (place.zone.id,))
    report = import_calendar(session, data, planner, defaults, NOW)
    again = import_calendar(session, data, planner, defaults, NOW)
    assert (again.planned, again.changed, again.unchanged) == ([], [], report.planned)
    found: list[str] = []
    for schedule in session.scalars(sa.select(Schedule)):
        assert schedule.timezone == "Asia/Ho_Chi_Minh" or name == "utc-first-monday"
        title = f" {schedule.programme.title}" if schedule.programme else " -"
        where = f" @{','.join(sorted(zone.code for zone in schedule.zones))}"
        said = title.replace(" Bản tin sáng", "") + where.removesuffix(" @11")
        for moment in recurrence_of(schedule).between(NOW, NOW + datetime.timedelta(days=7)):
            found.append(f"{moment.at.astimezone(LOCAL):%d %H:%M}{said}")
    return sorted(found)


@pytest.mark.parametrize("name", sorted(DUE))
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_calendar_of_another_program_is_due_as_it_says(database: Database, name: str) -> None:
    with database.session() as session:
        assert take(session, name) == DUE[name]


@pytest.mark.parametrize("name", sorted(REFUSED))
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_cannot_be_represented_is_refused_by_name(database: Database, name: str) -> None:
    with database.session() as session:
        with pytest.raises(CalendarRefused, match=REFUSED[name]):
            take(session, name)
        assert session.scalars(sa.select(Schedule)).all() == []


def test_every_file_of_the_corpus_is_expected() -> None:
    assert {file.stem for file in CORPUS.iterdir()} == DUE.keys() | REFUSED.keys()
