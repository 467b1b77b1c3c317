"""IANA time zones of a calendar file, found by name or by the offsets in its VTIMEZONE.

A schedule stores an IANA name, because only that stays correct when a country changes its clocks.
"""

import datetime
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from broadcast_bridge.schedule.calendar_components import Component
from broadcast_bridge.schedule.errors import BadRecurrence, CalendarRefused
from broadcast_bridge.schedule.recurrence import zone_named

_SAMPLES = tuple(datetime.datetime(year, month, 15, 12) for year in (2025, 2026) for month in range(1, 13))


class TimeZones:
    """The time zones of one file, and the station's for times without one."""

    def __init__(self, definitions: list[Component], station: str) -> None:
        self._station = station
        self._definitions: dict[str, Component] = {}
        for component in definitions:
            for line in component.text.split("\r\n"):
                if line.upper().startswith("TZID"):
                    self._definitions[line.partition(":")[2].strip()] = component
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
        moment = value.dt
        if isinstance(moment, datetime.datetime) and moment.tzinfo is not None:
            return "Etc/UTC"
        return floating or self._station

    def _look_up(self, tzid: str) -> str:
        named = [tzid, WINDOWS_TO_OLSON.get(tzid, ""), "/".join(tzid.split("/")[-2:])]
        known = [name for name in named if name and _is_known(name)]
        definition = self._definitions.get(tzid)
        if definition is None:
            if known:
                return known[0]
            raise CalendarRefused("schedule.calendar.time_zone_unknown", name=tzid[:60])
        # Etc/GMT-7 is seven hours ahead of Greenwich: POSIX inverts the sign.
        fixed = [f"Etc/GMT{sign}{hours}" for hours in range(1, 13) for sign in "-+"]
        offsets = _offsets(definition)
        for name in (*known, self._station, "Etc/UTC", *fixed):
            if offsets == [sample.replace(tzinfo=ZoneInfo(name)).utcoffset() for sample in _SAMPLES]:
                return name
        raise CalendarRefused("schedule.calendar.time_zone_not_iana", name=tzid[:60], line=definition.line)


def _is_known(name: str) -> bool:
    try:
        zone_named(name)
    except BadRecurrence:
        return False
    return True


def _offsets(definition: Component) -> list[datetime.timedelta | None]:
    try:
        described = icalendar.Timezone.from_ical(definition.text)
        if not isinstance(described, icalendar.Timezone):
            raise ValueError(definition.name)
        zone = described.to_tz(lookup_tzid=False)
        return [sample.replace(tzinfo=zone).utcoffset() for sample in _SAMPLES]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as problem:
        raise CalendarRefused("schedule.calendar.time_zone_unreadable", line=definition.line) from problem
