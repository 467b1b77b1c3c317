"""Days of the Vietnamese lunar calendar (âm lịch), computed for UTC+7 and sometimes unlike the Chinese one.

A rule is text like `MONTH=1;DAY=15` (full moon of the first month) or `DAY=1,15` (first and fifteenth of every month).
`DAY=-1` is the last day of a month, the 29th or the 30th; a day 30 is skipped in a month of 29 days. A rule for every
month includes leap months; a rule that names a month means the regular one, unless it has `LEAP=ALSO`.
"""

import datetime
import re
from dataclasses import dataclass
from functools import lru_cache

from lunar_vn import solar_to_lunar

from broadcast_bridge.schedule.errors import BadRecurrence

FIRST_YEAR, LAST_YEAR = 1901, 2099
LONGEST_RULE = 120


@dataclass(frozen=True)
class LunarRule:
    """`month` is None for every month; `days` are 1 to 30, or -1 for the last; `leap` includes leap months."""

    days: tuple[int, ...]
    month: int | None = None
    leap: bool = False


@dataclass(frozen=True)
class LunarMonth:
    """One lunar month in the Gregorian calendar."""

    first: datetime.date
    length: int
    month: int
    leap: bool


@lru_cache(1024)
def parse_lunar(text: str) -> LunarRule:
    """Parse a lunar rule. Raises BadRecurrence."""
    parts: dict[str, str] = {}
    for part in text.upper().strip().split(";"):
        name, equals, value = part.partition("=")
        if not equals or name not in ("MONTH", "DAY", "LEAP") or name in parts or len(text) > LONGEST_RULE:
            raise BadRecurrence("schedule.lunar.not_understood", part=part[:40])
        parts[name] = value
    days = parts.get("DAY", "").split(",")
    if not all(re.fullmatch(r"-1|[1-9]|[12][0-9]|30", day) for day in days):
        raise BadRecurrence("schedule.lunar.day")
    month = parts.get("MONTH")
    if month is not None and not re.fullmatch(r"[1-9]|1[0-2]", month):
        raise BadRecurrence("schedule.lunar.month")
    leap = parts.get("LEAP", "NO" if month else "ALSO")
    if leap not in ("NO", "ALSO"):
        raise BadRecurrence("schedule.lunar.leap")
    return LunarRule(tuple(dict.fromkeys(int(day) for day in days)), int(month) if month else None, leap == "ALSO")


def lunar_day(day: datetime.date) -> tuple[int, int, bool]:
    """Return the lunar day and month of a Gregorian day, and whether it is a leap month."""
    found = solar_to_lunar(day)
    return found.day, found.month, found.leap


@lru_cache(64)
def lunar_months(year: int) -> tuple[LunarMonth, ...]:
    """Return the lunar months that begin in a Gregorian year, in order."""
    new_year = datetime.date(year, 1, 1)
    first = new_year - datetime.timedelta(days=solar_to_lunar(new_year).day - 1)
    found: list[LunarMonth] = []
    while first.year <= year:
        start = solar_to_lunar(first)
        length = 30 if solar_to_lunar(first + datetime.timedelta(days=29)).day == 30 else 29
        if first.year == year:
            found.append(LunarMonth(first, length, start.month, start.leap))
        first += datetime.timedelta(days=length)
    return tuple(found)


def lunar_days(rule: LunarRule, first: datetime.date, last: datetime.date) -> list[datetime.date]:
    """Return the Gregorian days of the rule from `first` to `last`, both inclusive."""
    found: set[datetime.date] = set()
    for year in range(max(first.year - 1, FIRST_YEAR), min(last.year, LAST_YEAR) + 1):
        for month in lunar_months(year):
            if rule.month not in (None, month.month) or (month.leap and not rule.leap):
                continue
            for day in rule.days:
                number = month.length if day == -1 else day
                if number <= month.length:
                    found.add(month.first + datetime.timedelta(days=number - 1))
    return sorted(day for day in found if first <= day <= last)
