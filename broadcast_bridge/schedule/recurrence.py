"""Expansion of a recurrence into the times at which it is due.

Rules are expanded in local wall time and then converted to UTC, so that a programme of 05:30 stays at 05:30. A wall
time that a clock change skips becomes the first time after the gap; one that occurs twice counts once, the first time.
"""

import calendar
import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil import rrule as dateutil_rrule
from dateutil.relativedelta import relativedelta

from broadcast_bridge.schedule.errors import BadRecurrence, NeverHappens, TooOften
from broadcast_bridge.schedule.lunar import FIRST_YEAR, LAST_YEAR, lunar_days, parse_lunar
from broadcast_bridge.schedule.rules import FREQUENCIES, MAX_PER_DAY, Rule, parse_rule

MAX_DATES = 1000
"""Most single dates (RDATE, EXDATE) of a recurrence."""
SEARCH_YEARS = 50
"""A rule without a match in this many years is a mistake (29 February on a Monday comes every 28 years)."""

_LAST = datetime.datetime(LAST_YEAR, 12, 31, 23, 59)
_CYCLE_YEARS = 7600
"""The Gregorian calendar repeats every 400 years, weekdays included.

dateutil searches for a day that never comes until the year 9999; shifted near to that year, it gives up soon.
"""
_DAY = datetime.timedelta(days=1)
_MIDNIGHT = datetime.time()


@dataclass(frozen=True)
class Moment:
    """One due time: `at` in UTC, `wall` in local time."""

    at: datetime.datetime
    wall: datetime.datetime

    @property
    def local_date(self) -> datetime.date:
        """The local day."""
        return self.wall.date()


@dataclass(frozen=True)
class Recurrence:
    """A recurrence. `starts`, `rdates` and `exdates` are local wall time; see `models.Schedule`."""

    starts: datetime.datetime
    timezone: str
    rrule: str = ""
    lunar: str = ""
    exdates: tuple[str, ...] = ()
    rdates: tuple[str, ...] = ()
    valid_from: datetime.date | None = None
    valid_until: datetime.date | None = None

    def between(self, first: datetime.datetime, last: datetime.datetime) -> list[Moment]:
        """Return the due times from `first` up to but excluding `last`, in order, each once."""
        zone = zone_named(self.timezone)
        if last <= first:
            return []
        last = min(last, _LAST.replace(tzinfo=datetime.UTC))
        # One more day on either side covers every offset and gap; the rest is cut off below.
        lowest = _naive(first, zone) - _DAY
        highest = _naive(last, zone) + _DAY
        if self.valid_from is not None:
            lowest = max(lowest, datetime.datetime.combine(self.valid_from, _MIDNIGHT))
        if self.valid_until is not None:
            highest = min(highest, datetime.datetime.combine(self.valid_until, datetime.time.max))
        without = frozenset(self.exdates)
        found: dict[datetime.datetime, Moment] = {}
        for wall in sorted({*self._regular(zone, lowest, highest), *self._single(lowest, highest)}):
            if without and (iso(wall) in without or wall.date().isoformat() in without):
                continue
            at = as_utc(wall, zone)
            if first <= at < last:
                found.setdefault(at, Moment(at, wall))
        return list(found.values())

    def _regular(
        self, zone: ZoneInfo, lowest: datetime.datetime, highest: datetime.datetime
    ) -> Iterator[datetime.datetime]:
        if self.lunar:
            for day in lunar_days(parse_lunar(self.lunar), max(lowest, self.starts).date(), highest.date()):
                wall = datetime.datetime.combine(day, self.starts.time())
                if lowest <= wall <= highest and wall >= self.starts:
                    yield wall
        elif self.rrule:
            yield from _by_rule(parse_rule(self.rrule), self.starts, zone, lowest, highest)
        elif lowest <= self.starts <= highest:
            yield self.starts

    def _single(self, lowest: datetime.datetime, highest: datetime.datetime) -> Iterator[datetime.datetime]:
        for text in self.rdates:
            wall = datetime.datetime.fromisoformat(text)
            if lowest <= wall <= highest:
                yield wall

    def check(self) -> None:
        """Raise BadRecurrence, NeverHappens or TooOften when the recurrence is not valid."""
        zone = zone_named(self.timezone)
        if self.starts.tzinfo is not None or self.starts.second or self.starts.microsecond:
            raise BadRecurrence("schedule.recurrence.start")
        if not FIRST_YEAR < self.starts.year < LAST_YEAR:
            raise BadRecurrence("schedule.recurrence.year", year=self.starts.year)
        if self.rrule and self.lunar:
            raise BadRecurrence("schedule.recurrence.rule_and_lunar")
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise BadRecurrence("schedule.recurrence.validity", first=self.valid_from, last=self.valid_until)
        if self.valid_until and not self.rdates and self.starts.date() > self.valid_until:
            raise BadRecurrence("schedule.recurrence.validity", first=self.starts.date(), last=self.valid_until)
        _check_dates("rdates", self.rdates, with_time=True)
        _check_dates("exdates", self.exdates, with_time=False)
        if self.lunar:
            parse_lunar(self.lunar)
        if self.rrule and parse_rule(self.rrule).seconds not in ((), (0,)):
            raise BadRecurrence("schedule.recurrence.seconds")
        self._check_that_it_happens(zone)

    def _check_that_it_happens(self, zone: ZoneInfo) -> None:
        begin = self.starts
        if self.valid_from is not None:
            begin = max(begin, datetime.datetime.combine(self.valid_from, _MIDNIGHT))
        end = datetime.datetime(min(begin.year + SEARCH_YEARS, LAST_YEAR), 12, 31)
        if self.valid_until is not None:
            end = min(end, datetime.datetime.combine(self.valid_until, datetime.time.max))
        walls = self._regular(zone, begin, end)
        first = next(walls, None)
        if first is None and next(self._single(datetime.datetime(FIRST_YEAR, 1, 1), end), None) is None:
            raise NeverHappens("schedule.recurrence.never", year=end.year)
        per_day: dict[datetime.date, int] = {}
        for text in self.rdates:
            day = datetime.datetime.fromisoformat(text).date()
            per_day[day] = per_day.get(day, 0) + 1
        if max(per_day.values(), default=0) > MAX_PER_DAY:
            raise TooOften("schedule.recurrence.too_often_on_a_day", limit=MAX_PER_DAY)


@lru_cache(256)
def zone_named(name: str) -> ZoneInfo:
    """Return an IANA time zone. Raises BadRecurrence for an unknown name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadRecurrence("schedule.recurrence.time_zone", name=name) from None


@lru_cache(256)
def same_clock(timezone: str, other: str) -> bool:
    """Return whether the clocks of two time zones show the same time all year."""
    zones = zone_named(timezone), zone_named(other)
    samples = [datetime.datetime(year, month, 15, 12) for year in (2025, 2026) for month in range(1, 13)]
    return all(len({sample.replace(tzinfo=zone).utcoffset() for zone in zones}) == 1 for sample in samples)


def iso(wall: datetime.datetime) -> str:
    """Return wall time as `exdates` and `rdates` contain it."""
    return wall.isoformat(timespec="minutes")


def as_utc(wall: datetime.datetime, zone: ZoneInfo) -> datetime.datetime:
    """Convert local wall time to UTC: the first of two, or the first that exists after a gap."""
    offset = _steady_offset(zone, wall.date())
    if offset is not None:
        return (wall - offset).replace(tzinfo=datetime.UTC)
    at = wall.replace(tzinfo=zone, fold=0).astimezone(datetime.UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    # PEP 495: in a gap, fold 0 uses the offset before it and fold 1 the one after it.
    low = wall.replace(tzinfo=zone, fold=1).astimezone(datetime.UTC)
    high, before = at, low.astimezone(zone).utcoffset()
    while high - low > datetime.timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


@lru_cache(65536)
def _steady_offset(zone: ZoneInfo, day: datetime.date) -> datetime.timedelta | None:
    """Return the offset from UTC if it is the same from the day before to the day after, or None."""
    ends = [datetime.datetime.combine(day + step * _DAY, _MIDNIGHT, tzinfo=zone) for step in (-1, 2)]
    first, last = (end.utcoffset() for end in ends)
    return first if first == last else None


def _naive(moment: datetime.datetime, zone: ZoneInfo) -> datetime.datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _by_rule(
    rule: Rule, starts: datetime.datetime, zone: ZoneInfo, lowest: datetime.datetime, highest: datetime.datetime
) -> Iterator[datetime.datetime]:
    until = highest
    if rule.until is not None:
        until = min(until, _naive(rule.until, zone) if rule.until.tzinfo else rule.until)
    if rule.count is not None:
        last = _last_of_count(rule, starts)
        if last is None:
            return
        until = min(until, last)
    for wall in _expand(rule, _closer_start(rule, starts, lowest), until=until, given=starts):
        if wall >= lowest:
            yield wall


@lru_cache(4096)
def _last_of_count(rule: Rule, starts: datetime.datetime) -> datetime.datetime | None:
    """Return the last of COUNT times, as a bound for any later start; None when there is none."""
    last = None
    for number, wall in enumerate(_expand(rule, starts, until=_LAST, given=starts), start=1):
        last = wall
        if number == rule.count:
            break
    return last


def _closer_start(rule: Rule, starts: datetime.datetime, lowest: datetime.datetime) -> datetime.datetime:
    """Return a start shortly before `lowest` with the same later times, to avoid expanding years."""
    if lowest <= starts:
        return starts
    match rule.freq:
        case "DAILY":
            steps = (lowest - starts).days // rule.interval - 1
            start = starts + datetime.timedelta(days=steps * rule.interval)
        case "WEEKLY":
            steps = (lowest - starts).days // (7 * rule.interval) - 1
            start = starts + datetime.timedelta(weeks=steps * rule.interval)
            start -= datetime.timedelta(days=(start.weekday() - rule.week_start) % 7)
        case "MONTHLY":
            months = (lowest.year - starts.year) * 12 + lowest.month - starts.month
            steps = months // rule.interval - 1
            start = starts.replace(day=1) + relativedelta(months=steps * rule.interval)
        case _:
            steps = (lowest.year - starts.year) // rule.interval - 1
            start = starts.replace(month=1, day=1) + relativedelta(years=steps * rule.interval)
    return start if steps >= 1 else starts


def _expand(
    rule: Rule, start: datetime.datetime, *, until: datetime.datetime, given: datetime.datetime
) -> Iterator[datetime.datetime]:
    """Expand a rule from `start`; parts that it leaves open come from the `given` start (RFC 5545 §3.3.10)."""
    if _is_by_weekday_alone(rule):
        yield from _by_weekday(rule, start, until, given)
        return
    months, month_days = rule.months, rule.month_days
    days = [dateutil_rrule.weekday(day.day, day.nth or None) for day in rule.days]
    daily = rule.freq == "DAILY"
    if not (rule.days or rule.month_days or rule.year_days or rule.weeks):
        match rule.freq:
            case "YEARLY":
                months, month_days = months or (given.month,), (given.day,)
            case "MONTHLY":
                month_days = (given.day,)
            case "WEEKLY":
                days = [dateutil_rrule.weekday(given.weekday())]
    for shifted in dateutil_rrule.rrule(
        FREQUENCIES[rule.freq], dtstart=_shift(start, _CYCLE_YEARS), until=_shift(until, _CYCLE_YEARS),
        interval=rule.interval, wkst=rule.week_start, bysetpos=rule.positions or None,
        bymonth=None if daily else months or None, bymonthday=None if daily else month_days or None,
        byyearday=rule.year_days or None, byweekno=rule.weeks or None, byweekday=None if daily else days or None,
        byhour=rule.hours or None, byminute=rule.minutes or None, bysecond=rule.seconds or None,
    ):  # fmt: skip
        wall = _shift(shifted, -_CYCLE_YEARS)
        if not daily or _is_day_of(rule, wall):
            yield wall


def _is_by_weekday_alone(rule: Rule) -> bool:
    """Return whether weekdays and the interval alone choose the days, as in most schedules, at one time of the day."""
    parts = (
        rule.months, rule.month_days, rule.year_days, rule.weeks, rule.positions,
        rule.hours, rule.minutes, rule.seconds,
    )  # fmt: skip
    return rule.freq in ("DAILY", "WEEKLY") and not any(parts)


def _by_weekday(
    rule: Rule, start: datetime.datetime, until: datetime.datetime, given: datetime.datetime
) -> Iterator[datetime.datetime]:
    """Expand such a rule by adding days, at a tenth of the cost of dateutil, with the same result."""
    weekdays = {day.day for day in rule.days} or (set(range(7)) if rule.freq == "DAILY" else {given.weekday()})
    if rule.freq == "DAILY":
        first, week, steps = start, rule.interval, [0]
    else:
        first = start - ((start.weekday() - rule.week_start) % 7) * _DAY
        week, steps = 7 * rule.interval, [step for step in range(7) if (rule.week_start + step) % 7 in weekdays]
    number = 0
    while (begin := first + number * week * _DAY) <= until:
        number += 1
        for step in steps:
            wall = begin + step * _DAY
            if start <= wall <= until and wall.weekday() in weekdays:
                yield wall


def _is_day_of(rule: Rule, wall: datetime.datetime) -> bool:
    """Return whether a daily rule includes this day: in daily rules, days and months only exclude."""
    if rule.months and wall.month not in rule.months:
        return False
    if rule.days and wall.weekday() not in [day.day for day in rule.days]:
        return False
    length = calendar.monthrange(wall.year, wall.month)[1]
    return not rule.month_days or wall.day in rule.month_days or wall.day - length - 1 in rule.month_days


def _shift(wall: datetime.datetime, years: int) -> datetime.datetime:
    return wall.replace(year=wall.year + years)


def _check_dates(name: str, dates: tuple[str, ...], *, with_time: bool) -> None:
    if len(dates) > MAX_DATES:
        raise TooOften("schedule.recurrence.too_many_dates", name=name, limit=MAX_DATES)
    shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d" + ("" if with_time else r"|\d{4}-\d\d-\d\d")
    for text in dates:
        try:
            if not re.fullmatch(shape, text, re.ASCII):
                raise ValueError
            datetime.datetime.fromisoformat(text)
        except ValueError:
            raise BadRecurrence("schedule.recurrence.date", name=name, value=text[:40]) from None
