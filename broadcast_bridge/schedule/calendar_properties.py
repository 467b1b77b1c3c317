"""Properties of the events in a calendar file, repaired where other programs write them against the standard."""

import datetime
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import icalendar

from broadcast_bridge.schedule.calendar_components import DATES, Component, property_name
from broadcast_bridge.schedule.errors import BadRecurrence, CalendarRefused
from broadcast_bridge.schedule.lunar import FIRST_YEAR, LAST_YEAR

LONGEST_UID = 220
_HEAD = re.compile(r'(?:[^":]|"[^"]*")*+:')
"""Name and parameters, which may contain colons in quotes."""
_MAY_BE_EMPTY = frozenset({"EXDATE", "RDATE", "LOCATION", "STATUS"})


@dataclass(frozen=True)
class Event:
    """One VEVENT: a series, a single event, or with RECURRENCE-ID one instance of a series."""

    line: int
    uid: str
    content: icalendar.Event

    @property
    def is_instance(self) -> bool:
        """Whether it replaces one instance of a series (RFC 5545 §3.8.4.4)."""
        return "RECURRENCE-ID" in self.content

    @property
    def is_cancelled(self) -> bool:
        """Whether its STATUS says that it does not take place."""
        return self.words("STATUS").upper() in ("CANCELLED", "CANCELED")

    @property
    def sequence(self) -> int:
        """The revision; of two versions in one file the higher one is valid (RFC 5545 §3.8.7.4)."""
        value = self.content.get("SEQUENCE", 0)
        return max(map(int, value)) if isinstance(value, list) else int(value)

    def words(self, name: str) -> str:
        """Return a property of text in composed letters (NFC) and single spaces, empty without one.

        Outlook and Word write spaces that do not break, and lines that do.
        """
        value = self.content.get(name, "")
        return " ".join(unicodedata.normalize("NFC", str(value[0] if isinstance(value, list) else value)).split())


def parse_event(component: Component, *, cancels: bool = False) -> Event:
    """Read a VEVENT; one that cancels needs no start (RFC 5546 §3.2.5). Raises CalendarRefused."""
    lines = [repaired for line in component.lines for repaired in _repaired(line)]
    try:
        content = icalendar.Event.from_ical("\r\n".join(lines) + "\r\n")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as problem:
        raise CalendarRefused("schedule.calendar.event_wrong", problem=str(problem)) from problem
    if not isinstance(content, icalendar.Event):
        raise CalendarRefused("schedule.calendar.not_an_event")
    if content.errors:
        name, problem_text = content.errors[0]
        raise CalendarRefused("schedule.calendar.property_wrong", name=name or "-", problem=problem_text)
    uid = str(one(content, "UID") if "UID" in content else "").strip()
    if not uid or len(uid) > LONGEST_UID or not uid.isprintable():
        raise CalendarRefused("schedule.calendar.uid")
    if "DTSTART" not in content and not cancels:
        raise CalendarRefused("schedule.calendar.no_start")
    return Event(component.line, uid, content)


def one(content: icalendar.Event, name: str) -> Any:
    """Return a property that may appear once. Raises CalendarRefused when it is repeated."""
    value = content[name]
    if isinstance(value, list):
        raise CalendarRefused("schedule.calendar.repeated", name=name)
    return value


def many(content: icalendar.Event, name: str) -> list[Any]:
    """Return the single dates of a property that may appear several times with several dates each."""
    value = content.get(name, [])
    found = []
    for group in value if isinstance(value, list) else [value]:
        for each in group.dts:
            each.params = group.params
            found.append(each)
    return found


def moment_of(value: Any) -> datetime.datetime:
    """Return the date-time of a value, the start of a period. Raises CalendarRefused for a date without a time."""
    moment = value.dt[0] if isinstance(value.dt, tuple) else value.dt
    if not isinstance(moment, datetime.datetime):
        raise CalendarRefused("schedule.calendar.no_time_of_day")
    if not FIRST_YEAR < moment.year < LAST_YEAR:
        raise BadRecurrence("schedule.recurrence.year", year=moment.year)
    return moment


def is_day(value: Any) -> bool:
    """Return whether a value is a date without a time."""
    return isinstance(value.dt, datetime.date) and not isinstance(value.dt, datetime.datetime)


def _repaired(line: str) -> Iterator[str]:
    """Yield a line without parameters that have no meaning here; none when it says nothing."""
    name = property_name(line)
    if name in ("BEGIN", "END"):
        yield line
    elif name in DATES:
        yield from _repaired_dates(name, line)
    else:
        head = _HEAD.match(line)
        value = line[head.end() :] if head else line.partition(":")[2]
        empty = not value.strip() and name in _MAY_BE_EMPTY
        if name == "RRULE":
            value = re.sub(r",+(?=;|$)", "", re.sub(r"\s+", "", value))
        wrong_number = name == "SEQUENCE" and not re.fullmatch(r"\s*[0-9]{1,9}\s*", value)
        if not empty and not wrong_number:
            yield f"{name}:{value}"


def _repaired_dates(name: str, line: str) -> Iterator[str]:
    """Yield dates with the parameters TZID and RANGE only.

    Outlook writes a TZID with colons and commas unquoted; as no date contains a colon, the last one begins the value. A
    time in UTC has no TZID (RFC 5545 §3.2.19), and one that it has all the same means nothing.
    """
    head, _colon, value = line.rpartition(":")
    params = dict(reversed(re.findall(r';\s*([A-Za-z-]+)\s*=\s*("[^"]*"|[^;]*)', head)))
    given = {key.upper(): text.strip('" ') for key, text in params.items()}
    dates = [date.strip().upper() for date in value.split(",")]
    dates = [date for date in dates if date] or ([] if name in _MAY_BE_EMPTY else [""])
    reach = f";RANGE={re.sub('[^A-Za-z]', '', given['RANGE']) or '-'}" if given.get("RANGE") else ""
    tzid = f';TZID="{given["TZID"]}"' if given.get("TZID") and '"' not in given["TZID"] else ""
    yield from _with_dates(name + reach, [date for date in dates if _in_utc(date)])
    yield from _with_dates(name + reach + tzid, [date for date in dates if not _in_utc(date)])


def _in_utc(date: str) -> bool:
    return date.partition("/")[0].endswith("Z")


def _with_dates(head: str, dates: list[str]) -> Iterator[str]:
    if dates:
        yield f"{head}:{','.join(dates)}"
