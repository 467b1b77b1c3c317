"""Times of one event of a calendar file: its rule, its single dates, and the instances that were moved or cancelled.

A series in UTC gets the clock of the station, since its working days and holidays are those of the place where it is
heard. The moments at which it is due stay the same.
"""

import datetime
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from broadcast_bridge.schedule.calendar_components import OURS
from broadcast_bridge.schedule.calendar_properties import Event, is_day, many, one
from broadcast_bridge.schedule.calendar_zones import UTC, TimeZones, in_zone, is_fixed
from broadcast_bridge.schedule.errors import CalendarRefused
from broadcast_bridge.schedule.recurrence import Recurrence, as_utc, iso, zone_named
from broadcast_bridge.schedule.rule_translation import translated

_STEADY_YEARS = 30
_DAY = datetime.timedelta(days=1)
_NOT_IN_AN_INSTANCE = ("RRULE", "EXRULE", "RDATE", "EXDATE")


def times_of(event: Event, zones: TimeZones, lunar: str = "", rdates: tuple[str, ...] = ()) -> Recurrence:
    """Return when an event is due, without its changed instances; a `lunar` rule and its `rdates` replace its own."""
    content = event.content
    if "EXRULE" in content:
        raise CalendarRefused("schedule.calendar.not_supported", name="EXRULE")
    start = one(content, "DTSTART")
    own = zones.name_for(start)
    rrule = one(content, "RRULE").to_ical().decode() if "RRULE" in content else ""
    series = Recurrence(zones.wall(start, own), own, "" if lunar else rrule, lunar)
    if is_fixed(own):
        series = _at_the_station(series, zones.station)
    days = (series.starts.date() - zones.wall(start, own).date()) if series.rrule else datetime.timedelta()
    exdates = tuple(_date_text(value, series, zones, own, days) for value in many(content, "EXDATE"))
    if not lunar:
        rdates = tuple(iso(zones.wall(value, series.timezone, own)) for value in many(content, "RDATE"))
    if series.rrule and OURS not in content and not is_due(series, series.starts):
        rdates = (iso(series.starts), *rdates)  # RFC 5545 §3.8.5.3: the start counts, whether or not the rule has it
    return replace(series, exdates=tuple(dict.fromkeys(exdates)), rdates=tuple(dict.fromkeys(rdates)))


def check_instance(event: Event) -> None:
    """Raise CalendarRefused when an instance says what no single day of a schedule can have."""
    recurrence_id = one(event.content, "RECURRENCE-ID")
    if reach := str(recurrence_id.params.get("RANGE", "")):
        raise CalendarRefused("schedule.calendar.range", value=reach.upper()[:30])
    for name in _NOT_IN_AN_INSTANCE:
        if name in event.content:
            raise CalendarRefused("schedule.calendar.instance_recurs", name=name)


def instance_key(event: Event, zones: TimeZones) -> str:
    """Return a text that is equal for two versions of one instance."""
    value = one(event.content, "RECURRENCE-ID")
    return str(value.dt.isoformat()) if is_day(value) else iso(zones.wall(value, UTC, zones.station))


def replaced_by(event: Event, series: Recurrence, zones: TimeZones, master: Event | None = None) -> str:
    """Return which time of the series an instance replaces, as in `Recurrence.exdates`.

    A day without a time is one of the clock on which `master`, the event of the series, is written.
    """
    days = datetime.timedelta()
    if master is not None and series.rrule:
        start = one(master.content, "DTSTART")
        days = zones.wall(start, series.timezone).date() - zones.wall(start, zones.name_for(start)).date()
    return _date_text(one(event.content, "RECURRENCE-ID"), series, zones, series.timezone, days)


def replaced_by_itself(event: Event, zones: TimeZones) -> str:
    """Return which time of a series that is not in the file an instance replaces, on the clock of the station."""
    value = one(event.content, "RECURRENCE-ID")
    return str(value.dt.isoformat()) if is_day(value) else iso(zones.wall(value, zones.station))


def start_of(event: Event, series: Recurrence, zones: TimeZones) -> datetime.datetime:
    """Return the start of a changed instance in the time zone of its series."""
    return zones.wall(one(event.content, "DTSTART"), series.timezone)


def with_instances(series: Recurrence, replaced: Iterable[str], starts: Iterable[datetime.datetime]) -> Recurrence:
    """Return a series without the `replaced` times and with the new `starts`.

    A start is due even where another instance was moved away from, or where the file excludes it (RFC 5545 §3.8.4.4:
    an instance replaces the one of the series, also at the same time).
    """
    new = [iso(start) for start in starts]
    gone: list[str] = []
    for text in (*series.exdates, *replaced):
        same_day = "T" not in text and any(start.startswith(text) for start in new)
        gone += _times_on(series, text) if same_day else [text]
    exdates = tuple(dict.fromkeys(text for text in gone if text not in new))
    regular = replace(series, exdates=exdates)
    more = [text for text in new if not is_due(regular, datetime.datetime.fromisoformat(text))]
    return replace(regular, rdates=tuple(dict.fromkeys((*series.rdates, *more))))


def is_due(series: Recurrence, wall: datetime.datetime) -> bool:
    """Return whether a series is due at this wall time."""
    at = as_utc(wall, zone_named(series.timezone))
    return bool(series.between(at, at + datetime.timedelta(seconds=1)))


def _times_on(series: Recurrence, day: str) -> list[str]:
    begin = as_utc(datetime.datetime.fromisoformat(day), zone_named(series.timezone))
    found = replace(series, exdates=()).between(begin - _DAY, begin + 2 * _DAY)
    return [iso(moment.wall) for moment in found if moment.local_date.isoformat() == day]


def _at_the_station(series: Recurrence, station: str) -> Recurrence:
    """Return a series of UTC on the station's clock, or as it is when no rule there is equal."""
    at_home = replace(series, starts=in_zone(series.starts, series.timezone, station), timezone=station)
    if not series.rrule:
        return at_home
    ahead = _steady_difference(series, station)
    rrule = None if ahead is None else translated(series.rrule, series.starts, ahead)
    return series if rrule is None else replace(at_home, rrule=rrule)


def _steady_difference(series: Recurrence, station: str) -> datetime.timedelta | None:
    """Return how far the station's clock is ahead, None when it is changed twice a year."""
    samples = [
        datetime.datetime(year, month, 1, 12)
        for year in range(series.starts.year, series.starts.year + _STEADY_YEARS)
        for month in (1, 4, 7, 10)
    ]
    samples.append(series.starts)
    differences = {in_zone(sample, series.timezone, station) - sample for sample in samples}
    return differences.pop() if len(differences) == 1 else None


def _date_text(value: Any, series: Recurrence, zones: TimeZones, own: str, days: datetime.timedelta) -> str:
    """Return a date or date-time as in `Recurrence.exdates`; `days` is how far days moved with the clock."""
    if is_day(value):
        return str((value.dt + days).isoformat())
    return iso(zones.wall(value, series.timezone, own))
