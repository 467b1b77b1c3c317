"""IANA time zones of a calendar file, found by name or by the offsets in its VTIMEZONE.

A schedule stores an IANA name, because only that stays correct when a country changes its clocks.
"""

import datetime
import re
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import icalendar
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from broadcast_bridge.schedule.calendar_components import Component, property_name
from broadcast_bridge.schedule.calendar_properties import is_day, moment_of
from broadcast_bridge.schedule.errors import CalendarRefused
from broadcast_bridge.schedule.recurrence import as_utc, zone_named
from haichieu.folded_text import name_key

UTC = "Etc/UTC"
MAX_CHANGES = 100
"""Most recurring clock changes of a VTIMEZONE; the full history of a country has fewer."""
_SAMPLES = tuple(datetime.datetime(year, month, 15, 12) for year in (2025, 2026) for month in range(1, 13))
# Etc/GMT-7 is seven hours ahead of Greenwich: POSIX inverts the sign.
_FIXED = tuple(f"Etc/GMT{sign}{hours}" for hours in range(1, 13) for sign in "-+")
_ALSO_CALLED = {
    "Asia/Ho_Chi_Minh": (
        "Asia/Hanoi", "Hanoi", "Vietnam", "Indochina Time", "ICT", "Bangkok, Hanoi, Jakarta", "Bangkok/Hanoi/Jakarta",
    ),
    UTC: ("Z", "Coordinated Universal Time", "tzone://Microsoft/Utc"),
}  # fmt: skip
"""Names of Outlook, Exchange and telephones that neither IANA nor Windows has."""


class TimeZones:
    """The time zones of one file, and the station's for times without one."""

    def __init__(self, definitions: list[Component], station: str) -> None:
        self.station = station
        self._definitions: dict[str, Component] = {}
        for component in definitions:
            for line in component.lines:
                if property_name(line) == "TZID":
                    self._definitions[_key(line.partition(":")[2])] = component
                    break
        self._names: dict[str, str] = {}

    def name_for(self, value: Any, floating: str | None = None) -> str:
        """Return the IANA name for a date or date-time; one without a zone gets `floating` or the station's.

        Raises CalendarRefused for an unknown zone.
        """
        tzid = str(value.params.get("TZID", ""))
        if tzid:
            if tzid not in self._names:
                self._names[tzid] = self._look_up(tzid)
            return self._names[tzid]
        if not is_day(value) and moment_of(value).tzinfo is not None:
            return UTC
        return floating or self.station

    def wall(self, value: Any, timezone: str, floating: str | None = None) -> datetime.datetime:
        """Return a date-time as wall time of `timezone`; one without a zone is wall time of `floating`, or of it."""
        own = self.name_for(value, floating or timezone)
        return in_zone(moment_of(value).replace(tzinfo=None), own, timezone)

    def _look_up(self, tzid: str) -> str:
        known = _known(tzid)
        definition = self._definitions.get(_key(tzid))
        if definition is not None:
            offsets = _offsets(definition)
            if offsets is None and not known:
                raise CalendarRefused("schedule.calendar.time_zone_unreadable", line=definition.line)
            if offsets is not None:
                for name in (*known, self.station, UTC, *_FIXED):
                    if offsets == _offsets_of(name):
                        return name
                raise CalendarRefused("schedule.calendar.time_zone_not_iana", name=tzid[:60], line=definition.line)
        if known:
            return known[0]
        return self._by_offset(tzid)

    def _by_offset(self, tzid: str) -> str:
        """Find a zone named by its offset alone, such as `(UTC+07:00) Bangkok, Hanoi, Jakarta` or `GMT+7`."""
        written = tzid.strip().replace("−", "-")
        match = re.match(r"\(?(?:UTC|GMT)?\s*([+-])(\d{1,2})(?:[:.]?(\d\d))?\)?(.*)", written, re.IGNORECASE)
        if match:
            ahead = datetime.timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
            offsets = [ahead if match[1] == "+" else -ahead] * len(_SAMPLES)
            # A place may have summer time, which the offset does not tell.
            for name in (self.station, *(() if match[4].strip() else (UTC, *_FIXED))):
                if offsets == _offsets_of(name):
                    return name
        raise CalendarRefused("schedule.calendar.time_zone_unknown", name=tzid[:60])


def is_fixed(timezone: str) -> bool:
    """Return whether a zone is a mere offset from UTC, which no place has as its clock."""
    return timezone.startswith("Etc/") or timezone in ("UTC", "GMT", "UCT", "Zulu", "Universal", "Greenwich")


def in_zone(wall: datetime.datetime, timezone: str, other: str) -> datetime.datetime:
    """Convert wall time of one time zone to that of another."""
    if timezone == other:
        return wall
    return as_utc(wall, zone_named(timezone)).astimezone(zone_named(other)).replace(tzinfo=None)


def _key(tzid: str) -> str:
    """Return a TZID without the escapes of TEXT (RFC 5545 §3.3.11), case and double spaces."""
    return name_key(re.sub(r"\\(.)", r"\1", tzid.strip().strip('"')))


@cache
def _iana() -> dict[str, str]:
    windows = {name_key(name): olson for name, olson in WINDOWS_TO_OLSON.items()}
    known = windows | {name_key(name.replace("_", " ")): name for name in available_timezones()}
    return known | {name_key(name): zone for zone, names in _ALSO_CALLED.items() for name in names}


def _known(tzid: str) -> list[str]:
    """Return the IANA zones that a name can mean, also behind a prefix such as `/mozilla.org/20050126_1/`."""
    parts = tzid.strip().strip('"').split("/")
    names = ["/".join(parts), *("/".join(parts[-count:]) for count in (3, 2) if len(parts) > count)]
    found = [_iana().get(name_key(name.replace("_", " ")), "") for name in names]
    return [name for name in dict.fromkeys(found) if name]


def _offsets_of(name: str) -> list[datetime.timedelta | None]:
    return [sample.replace(tzinfo=ZoneInfo(name)).utcoffset() for sample in _SAMPLES]


def _offsets(definition: Component) -> list[datetime.timedelta | None] | None:
    """Return the offsets from UTC that a VTIMEZONE says, None when it cannot be read."""
    rules = [line.upper() for line in definition.lines if property_name(line) == "RRULE"]
    if len(rules) > MAX_CHANGES or any("FREQ=YEARLY" not in rule for rule in rules):
        return None  # a clock that changes every second would be computed for hours
    try:
        described = icalendar.Timezone.from_ical(definition.text)
        if not isinstance(described, icalendar.Timezone):
            return None
        zone = described.to_tz(lookup_tzid=False)
        return [sample.replace(tzinfo=zone).utcoffset() for sample in _SAMPLES]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):
        return None
