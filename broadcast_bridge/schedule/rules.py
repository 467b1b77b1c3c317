"""Reading an RFC 5545 recurrence rule strictly: what is wrong is named, what could run away is refused.

It turns text into a `Rule`; the dates themselves are `recurrence`'s.
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
"""More than every half hour is a mistake, or mischief."""
MAX_COUNT = 5000
MAX_INTERVAL = 1000
MAX_LIST = 64

FREQUENCIES: dict[str, Literal[0, 1, 2, 3]] = {
    "DAILY": dateutil_rrule.DAILY,
    "WEEKLY": dateutil_rrule.WEEKLY,
    "MONTHLY": dateutil_rrule.MONTHLY,
    "YEARLY": dateutil_rrule.YEARLY,
}
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


@dataclass(frozen=True)
class WeekDay:
    """A day of the week, Monday 0; `nth` of the month or year when not 0 (RFC 5545 BYDAY)."""

    day: int
    nth: int = 0


@dataclass(frozen=True)
class Rule:
    """A rule as its parts. `until` is UTC when it is aware, else local wall time."""

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


def bad(vietnamese: str, english: str) -> BadRecurrence:
    """Make a refusal in both languages."""
    return BadRecurrence(f"{vietnamese} / {english}")


@lru_cache(4096)
def parse_rule(text: str) -> Rule:
    """Read a rule such as `FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20271231T235959`.

    Raises BadRecurrence naming the part, NeverHappens for days that no month has, TooOften above MAX_PER_DAY.
    """
    if len(text) > LONGEST_RULE:
        raise bad(
            f"Quy tắc lặp dài quá {LONGEST_RULE} ký tự.", f"The recurrence is longer than {LONGEST_RULE} characters."
        )
    parts: dict[str, str] = {}
    for part in text.upper().removeprefix("RRULE:").strip().rstrip(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or (name not in _READERS and name not in ("FREQ", "WKST")):
            raise bad(f"Không hiểu {part!r} trong quy tắc lặp.", f"{part!r} is not understood in the recurrence.")
        if name in parts:
            raise bad(f"{name} xuất hiện hai lần trong quy tắc lặp.", f"{name} stands twice in the recurrence.")
        parts[name] = value
    rule = Rule(_frequency(parts.pop("FREQ", "")), week_start=_week_start(parts.pop("WKST", "MO")))
    read = {field: reader(name, parts[name]) for name, (field, reader) in _READERS.items() if name in parts}
    rule = Rule(rule.freq, week_start=rule.week_start, **read)  # type: ignore[arg-type]
    _check(rule)
    return rule


def _frequency(freq: str) -> str:
    if freq in ("SECONDLY", "MINUTELY", "HOURLY"):
        raise TooOften(
            f"FREQ={freq} quá dày; hãy dùng FREQ=DAILY với BYHOUR và BYMINUTE. / "
            f"FREQ={freq} is too often; use FREQ=DAILY with BYHOUR and BYMINUTE."
        )
    if freq not in FREQUENCIES:
        known = ", ".join(FREQUENCIES)
        raise bad(f"Quy tắc lặp cần FREQ là một trong {known}.", f"The recurrence needs a FREQ out of {known}.")
    return freq


def _week_start(value: str) -> int:
    if value not in WEEKDAYS:
        raise bad(f"WKST={value} không phải là thứ trong tuần.", f"WKST={value} is not a day of the week.")
    return WEEKDAYS.index(value)


def _number(most: int) -> Callable[[str, str], int]:
    def read(name: str, value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,6}", value) or not 1 <= int(value) <= most:
            raise bad(f"{name} phải là số từ 1 đến {most}.", f"{name} must be a number from 1 to {most}.")
        return int(value)

    return read


def _numbers(least: int, most: int, *, from_the_end: bool = False) -> Callable[[str, str], tuple[int, ...]]:
    def read(name: str, value: str) -> tuple[int, ...]:
        found: list[int] = []
        for item in value.split(","):
            number = int(item) if re.fullmatch(r"[+-]?[0-9]{1,3}", item) else None
            if number is None or not (least <= number <= most or (from_the_end and least <= -number <= most)):
                raise bad(
                    f"{name}={item} phải từ {least} đến {most}{' (hoặc âm)' if from_the_end else ''}.",
                    f"{name}={item} must be from {least} to {most}{' (or negative)' if from_the_end else ''}.",
                )
            found.append(number)
        if len(found) > MAX_LIST:
            raise bad(f"{name} có hơn {MAX_LIST} giá trị.", f"{name} has more than {MAX_LIST} values.")
        return tuple(dict.fromkeys(found))

    return read


def _days(name: str, value: str) -> tuple[WeekDay, ...]:
    found: list[WeekDay] = []
    for item in value.split(","):
        match = re.fullmatch(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)", item)
        if match is None or (match[1] and not 1 <= abs(int(match[1])) <= 53):
            raise bad(f"{name}={item} không phải là thứ trong tuần.", f"{name}={item} is not a day of the week.")
        found.append(WeekDay(WEEKDAYS.index(match[2]), int(match[1] or 0)))
    if len(found) > MAX_LIST:
        raise bad(f"{name} có hơn {MAX_LIST} giá trị.", f"{name} has more than {MAX_LIST} values.")
    return tuple(dict.fromkeys(found))


def _until(name: str, value: str) -> datetime.datetime:
    match = re.fullmatch(r"([0-9]{8})(?:T([0-9]{6})(Z?))?", value)
    try:
        if match is None:
            raise ValueError
        # A day without a time is meant whole.
        found = datetime.datetime.strptime(match[1] + (match[2] or "235959"), "%Y%m%d%H%M%S")
    except ValueError:
        raise bad(
            f"{name}={value} không phải là ngày có thật, ví dụ đúng: 20271231 hoặc 20271231T170000Z.",
            f"{name}={value} is no real date; right is 20271231 or 20271231T170000Z.",
        ) from None
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
    """Refuse what RFC 5545 §3.3.10 forbids, days that do not exist, and bells that never stop ringing."""
    if rule.count is not None and rule.until is not None:
        raise bad("COUNT và UNTIL không dùng chung được.", "COUNT and UNTIL cannot be used together.")
    forbidden = (
        ("BYWEEKNO", bool(rule.weeks) and rule.freq != "YEARLY"),
        ("BYYEARDAY", bool(rule.year_days) and rule.freq != "YEARLY"),
        ("BYMONTHDAY", bool(rule.month_days) and rule.freq == "WEEKLY"),
        ("BYDAY", any(day.nth for day in rule.days) and (rule.freq not in ("MONTHLY", "YEARLY") or bool(rule.weeks))),
    )
    for name, wrong in forbidden:
        if wrong:
            raise bad(f"{name} không dùng được với FREQ={rule.freq}.", f"{name} cannot be used with FREQ={rule.freq}.")
    others = (rule.days, rule.months, rule.month_days, rule.year_days, rule.weeks, rule.hours, rule.minutes)
    if rule.positions and not any(others):
        raise bad("BYSETPOS cần thêm một phần BY… khác.", "BYSETPOS needs another BY… part.")
    if rule.months and rule.month_days:
        months = [(month, _LONGEST_MONTH.get(month, 31)) for month in rule.months]
        if all(abs(day) > longest for day in rule.month_days for _month, longest in months):
            days = ", ".join(str(abs(day)) for day in rule.month_days)
            names = ", ".join(str(month) for month in rule.months)
            raise NeverHappens(
                f"Tháng {names} không bao giờ có ngày {days}. / There is no day {days} in month {names}, ever."
            )
    per_day = max(len(rule.hours), 1) * max(len(rule.minutes), 1) * max(len(rule.seconds), 1)
    if per_day > MAX_PER_DAY:
        raise TooOften(
            f"Lịch phát {per_day} lần một ngày, nhiều nhất là {MAX_PER_DAY}. / "
            f"It would be due {per_day} times a day, {MAX_PER_DAY} are the most."
        )
