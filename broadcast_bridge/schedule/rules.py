"""Strict parser of RFC 5545 recurrence rules, with limits against runaway rules.

It turns text into a `Rule`; `recurrence` expands it.
"""

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dateutil import rrule as dateutil_rrule

from broadcast_bridge.schedule.errors import BadRecurrence, NeverHappens, TooOften

LONGEST_RULE = 500
MAX_PER_DAY = 48
"""More than every half hour is a mistake or abuse."""
MAX_COUNT = 5000
MAX_INTERVAL = 1000
MAX_LIST = 64

FREQUENCIES: dict[str, Literal[0, 1, 2, 3]] = {
    "DAILY": dateutil_rrule.DAILY,
    "WEEKLY": dateutil_rrule.WEEKLY,
    "MONTHLY": dateutil_rrule.MONTHLY,
    "YEARLY": dateutil_rrule.YEARLY,
}
_EARLIEST, _LATEST = datetime.datetime(1000, 1, 1), datetime.datetime(2999, 12, 31, 23, 59, 59)
"""An UNTIL beyond these, such as the year 9999 for "never", cannot be converted to another time zone."""
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


@dataclass(frozen=True)
class WeekDay:
    """A day of the week, Monday 0; `nth` of the month or year when not 0 (RFC 5545 BYDAY)."""

    day: int
    nth: int = 0

    def __str__(self) -> str:
        return f"{self.nth or ''}{WEEKDAYS[self.day]}"


@dataclass(frozen=True)
class Rule:
    """A parsed rule. `until` is UTC when it is aware, else local wall time."""

    freq: str
    interval: int = 1
    count: int | None = None
    until: datetime.datetime | None = None
    week_start: int = 0
    days: tuple[WeekDay, ...] = ()
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    seconds: tuple[int, ...] = ()


@lru_cache(4096)
def parse_rule(text: str) -> Rule:
    """Parse a rule such as `FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20271231T235959`.

    Raises BadRecurrence naming the part, NeverHappens for days that no month has, TooOften above MAX_PER_DAY.
    """
    if len(text) > LONGEST_RULE:
        raise BadRecurrence("schedule.rule.too_long", limit=LONGEST_RULE)
    parts: dict[str, str] = {}
    for part in text.upper().removeprefix("RRULE:").strip().rstrip(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or (name not in _READERS and name not in ("FREQ", "WKST")):
            raise BadRecurrence("schedule.rule.not_understood", part=part)
        if name in parts:
            raise BadRecurrence("schedule.rule.repeated", name=name)
        parts[name] = value
    rule = Rule(_frequency(parts.pop("FREQ", "")), week_start=_week_start(parts.pop("WKST", "MO")))
    read = {field: reader(name, parts[name]) for name, (field, reader) in _READERS.items() if name in parts}
    rule = Rule(rule.freq, week_start=rule.week_start, **read)  # type: ignore[arg-type]
    _check(rule)
    return rule


def rule_text(rule: Rule) -> str:
    """Write a rule as text that `parse_rule` reads."""
    parts = [f"FREQ={rule.freq}"]
    parts += [f"INTERVAL={rule.interval}"] if rule.interval > 1 else []
    parts += [f"COUNT={rule.count}"] if rule.count is not None else []
    if rule.until is not None:
        parts.append(f"UNTIL={rule.until:%Y%m%dT%H%M%S}" + ("Z" if rule.until.tzinfo else ""))
    for name, (field, _reader) in _READERS.items():
        values = getattr(rule, field)
        if isinstance(values, tuple) and values:
            parts.append(f"{name}={','.join(str(value) for value in values)}")
    parts += [f"WKST={WEEKDAYS[rule.week_start]}"] if rule.week_start else []
    return ";".join(parts)


def _frequency(freq: str) -> str:
    if freq in ("SECONDLY", "MINUTELY", "HOURLY"):
        raise TooOften("schedule.rule.frequency_too_high", freq=freq)
    if freq not in FREQUENCIES:
        raise BadRecurrence("schedule.rule.frequency", known=tuple(FREQUENCIES))
    return freq


def _week_start(value: str) -> int:
    if value not in WEEKDAYS:
        raise BadRecurrence("schedule.rule.weekday", name="WKST", value=value)
    return WEEKDAYS.index(value)


def _number(most: int) -> Callable[[str, str], int]:
    def read(name: str, value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,6}", value) or not 1 <= int(value) <= most:
            raise BadRecurrence("schedule.rule.number", name=name, most=most)
        return int(value)

    return read


def _numbers(least: int, most: int, *, from_the_end: bool = False) -> Callable[[str, str], tuple[int, ...]]:
    def read(name: str, value: str) -> tuple[int, ...]:
        found: list[int] = []
        for item in value.split(","):
            number = int(item) if re.fullmatch(r"[+-]?[0-9]{1,3}", item) else None
            if number is None or not (least <= number <= most or (from_the_end and least <= -number <= most)):
                key = "schedule.rule.range_or_negative" if from_the_end else "schedule.rule.range"
                raise BadRecurrence(key, name=name, value=item, least=least, most=most)
            found.append(number)
        if len(found) > MAX_LIST:
            raise BadRecurrence("schedule.rule.too_many_values", name=name, limit=MAX_LIST)
        return tuple(dict.fromkeys(found))

    return read


def _days(name: str, value: str) -> tuple[WeekDay, ...]:
    found: list[WeekDay] = []
    for item in value.split(","):
        match = re.fullmatch(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)", item)
        if match is None or (match[1] and not 1 <= abs(int(match[1])) <= 53):
            raise BadRecurrence("schedule.rule.weekday", name=name, value=item)
        found.append(WeekDay(WEEKDAYS.index(match[2]), int(match[1] or 0)))
    if len(found) > MAX_LIST:
        raise BadRecurrence("schedule.rule.too_many_values", name=name, limit=MAX_LIST)
    return tuple(dict.fromkeys(found))


def _until(name: str, value: str) -> datetime.datetime:
    match = re.fullmatch(r"([0-9]{8})(?:T([0-9]{6})(Z?))?", value)
    try:
        if match is None:
            raise ValueError
        # A day without a time means the whole day.
        found = datetime.datetime.strptime(match[1] + (match[2] or "235959"), "%Y%m%d%H%M%S")
    except ValueError:
        raise BadRecurrence("schedule.rule.until", name=name, value=value) from None
    found = min(max(found, _EARLIEST), _LATEST)
    return found.replace(tzinfo=datetime.UTC) if match[3] else found


_READERS: dict[str, tuple[str, Callable[[str, str], object]]] = {
    "INTERVAL": ("interval", _number(MAX_INTERVAL)),
    "COUNT": ("count", _number(MAX_COUNT)),
    "UNTIL": ("until", _until),
    "BYDAY": ("days", _days),
    "BYMONTH": ("months", _numbers(1, 12)),
    "BYMONTHDAY": ("month_days", _numbers(1, 31, from_the_end=True)),
    "BYYEARDAY": ("year_days", _numbers(1, 366, from_the_end=True)),
    "BYWEEKNO": ("weeks", _numbers(1, 53, from_the_end=True)),
    "BYSETPOS": ("positions", _numbers(1, 366, from_the_end=True)),
    "BYHOUR": ("hours", _numbers(0, 23)),
    "BYMINUTE": ("minutes", _numbers(0, 59)),
    "BYSECOND": ("seconds", _numbers(0, 59)),
}


def _check(rule: Rule) -> None:
    """Reject what RFC 5545 §3.3.10 forbids, days that do not exist, and rules that are due too often."""
    if rule.count is not None and rule.until is not None:
        raise BadRecurrence("schedule.rule.count_and_until")
    forbidden = (
        ("BYWEEKNO", bool(rule.weeks) and rule.freq != "YEARLY"),
        ("BYYEARDAY", bool(rule.year_days) and rule.freq != "YEARLY"),
        ("BYMONTHDAY", bool(rule.month_days) and rule.freq == "WEEKLY"),
        ("BYDAY", any(day.nth for day in rule.days) and (rule.freq not in ("MONTHLY", "YEARLY") or bool(rule.weeks))),
    )
    for name, wrong in forbidden:
        if wrong:
            raise BadRecurrence("schedule.rule.not_with_frequency", name=name, freq=rule.freq)
    others = (rule.days, rule.months, rule.month_days, rule.year_days, rule.weeks, rule.hours, rule.minutes)
    if rule.positions and not any(others):
        raise BadRecurrence("schedule.rule.positions_alone")
    if rule.months and rule.month_days:
        months = [(month, _LONGEST_MONTH.get(month, 31)) for month in rule.months]
        if all(abs(day) > longest for day in rule.month_days for _month, longest in months):
            days = tuple(abs(day) for day in rule.month_days)
            raise NeverHappens("schedule.rule.no_such_day", days=days, months=rule.months)
    per_day = max(len(rule.hours), 1) * max(len(rule.minutes), 1) * max(len(rule.seconds), 1)
    if per_day > MAX_PER_DAY:
        raise TooOften("schedule.rule.too_often", count=per_day, limit=MAX_PER_DAY)
