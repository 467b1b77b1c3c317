"""A recurrence as a sentence, so that a person can check it before they save it."""

import datetime
from collections.abc import Sequence

from babel.dates import get_day_names, get_month_names
from babel.lists import format_list

from broadcast_bridge.schedule.lunar import LunarRule, parse_lunar
from broadcast_bridge.schedule.recurrence import Recurrence, same_clock, zone_named
from broadcast_bridge.schedule.rules import Rule, WeekDay, parse_rule
from haichieu.locale import Field, render_key

_NAMED_LUNAR_MONTHS = (1, 11, 12)
_FIRST_TEN = 10
"""Vietnamese has its own word (mùng) for the first ten days of a lunar month."""


def in_words(recurrence: Recurrence, language: str = "vi", station: str = "") -> str:
    """Return when something recurs, for example `Thứ Hai, Thứ Tư hằng tuần lúc 17:00`.

    The time zone is named when its clock differs from that of the `station` (a time zone).
    """
    return _Sentence(language).of(recurrence, station)


class _Sentence:
    """The grammar; every word comes from the catalogue or from CLDR."""

    def __init__(self, language: str) -> None:
        self._language = language

    def of(self, recurrence: Recurrence, station: str) -> str:
        starts = recurrence.starts
        if recurrence.lunar:
            said = self._say("at", days=self._lunar(parse_lunar(recurrence.lunar)), times=f"{starts:%H:%M}")
        elif recurrence.rrule:
            rule = parse_rule(recurrence.rrule)
            said = self._end(rule, self._rule(rule, starts), recurrence.timezone)
        else:
            said = self._say("once", day=starts.date(), time=starts.time())
        said = self._limits(recurrence, said)
        if station and not same_clock(recurrence.timezone, station):
            said = self._say("time_zone", words=said, zone=recurrence.timezone)
        return said[:1].upper() + said[1:]

    def _say(self, key: str, /, **fields: Field) -> str:
        return render_key(self._language, f"schedule.words.{key}", fields)

    def _rule(self, rule: Rule, starts: datetime.datetime) -> str:
        days, times = self._days(rule, starts), self._times(rule, starts)
        if rule.positions and not _selects_days(rule):
            return self._say("at_positions", days=days, positions=self._positions(rule), times=times)
        return self._say("at", days=days, times=times)

    def _days(self, rule: Rule, starts: datetime.datetime) -> str:
        every = self._every(rule)
        days = ", ".join(self._day_parts(rule, starts))
        if rule.positions and _selects_days(rule):
            days = self._say("positions", positions=self._positions(rule), days=days)
        if rule.freq == "DAILY":
            return ", ".join(part for part in (every, days, self._months(rule.months)) if part)
        months = self._months(rule.months or _start_month(rule, starts))
        if months:
            return self._say("days_of_months", every=every, days=days, months=months)
        return self._say("days", every=every, days=days)

    def _every(self, rule: Rule) -> str:
        if rule.interval == 1:
            return self._say(f"every.{rule.freq.lower()}")
        return self._say(f"every_nth.{rule.freq.lower()}", count=rule.interval)

    def _day_parts(self, rule: Rule, starts: datetime.datetime) -> list[str]:
        days = rule.days or ((WeekDay(starts.weekday()),) if rule.freq == "WEEKLY" else ())
        month_days = rule.month_days
        if not (rule.days or month_days or rule.year_days or rule.weeks) and rule.freq in ("MONTHLY", "YEARLY"):
            month_days = (starts.day,)
        parts = [self._weekday(day) for day in days]
        if regular := tuple(day for day in month_days if day > 0):
            parts.append(self._say("month_days", count=len(regular), days=regular))
        parts += [self._from_the_end(-day) for day in month_days if day < 0]
        if rule.year_days:
            parts.append(self._say("year_days", count=len(rule.year_days), days=rule.year_days))
        if rule.weeks:
            parts.append(self._say("weeks", count=len(rule.weeks), weeks=rule.weeks))
        return parts

    def _weekday(self, day: WeekDay) -> str:
        name = str(get_day_names("wide", locale=self._language)[day.day])
        match day.nth:
            case 0:
                return name
            case 1:
                return self._say("weekday.first", day=name)
            case -1:
                return self._say("weekday.last", day=name)
            case nth if nth < 0:
                return self._say("weekday.nth_last", day=name, nth=self._ordinal(-nth))
            case nth:
                return self._say("weekday.nth", day=name, nth=self._ordinal(nth))

    def _from_the_end(self, number: int) -> str:
        if number == 1:
            return self._say("month_day.last")
        return self._say("month_day.nth_last", nth=self._ordinal(number))

    def _positions(self, rule: Rule) -> str:
        return self._and([self._position(number) for number in rule.positions])

    def _position(self, number: int) -> str:
        if number == -1:
            return self._say("position.last")
        return self._say("position.nth" if number > 0 else "position.nth_last", nth=self._ordinal(abs(number)))

    def _months(self, months: Sequence[int]) -> str:
        names = get_month_names("wide", locale=self._language)
        return ", ".join(str(names[month]) for month in months)

    def _times(self, rule: Rule, starts: datetime.datetime) -> str:
        return self._and(
            [
                f"{hour:02d}:{minute:02d}"
                for hour in sorted(rule.hours or (starts.hour,))
                for minute in sorted(rule.minutes or (starts.minute,))
            ]
        )

    def _end(self, rule: Rule, said: str, timezone: str) -> str:
        if rule.count is not None:
            return self._say("times", words=said, count=rule.count)
        if rule.until is not None:
            until = rule.until.astimezone(zone_named(timezone)) if rule.until.tzinfo else rule.until
            return self._say("until", words=said, day=until.date())
        return said

    def _lunar(self, rule: LunarRule) -> str:
        if rule.month is None:
            month = self._say("lunar.every_month")
        elif rule.month in _NAMED_LUNAR_MONTHS:
            month = self._say(f"lunar.month_{rule.month}")
        else:
            month = self._say("lunar.month", month=rule.month)
        said = self._say("lunar.days", days=self._and([self._lunar_day(day) for day in rule.days]), month=month)
        if rule.month is not None and rule.leap:
            return self._say("lunar.with_leap", words=said)
        if rule.month is None and not rule.leap:
            return self._say("lunar.without_leap", words=said)
        return said

    def _lunar_day(self, day: int) -> str:
        match day:
            case -1:
                return self._say("lunar.last_day")
            case 15:
                return self._say("lunar.full_moon")
            case _:
                return self._say("lunar.early_day" if day <= _FIRST_TEN else "lunar.day", day=day)

    def _limits(self, recurrence: Recurrence, said: str) -> str:
        if recurrence.valid_from is not None:
            said = self._say("from", words=said, day=recurrence.valid_from)
        if recurrence.valid_until is not None:
            said = self._say("until", words=said, day=recurrence.valid_until)
        if recurrence.exdates:
            said = self._say("without", words=said, count=len(recurrence.exdates))
        if recurrence.rdates:
            said = self._say("more", words=said, count=len(recurrence.rdates))
        return said

    def _and(self, parts: Sequence[str]) -> str:
        return format_list(parts, locale=self._language)

    def _ordinal(self, number: int) -> str:
        if self._language != "en":
            return str(number)
        ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
        return f"{number}{ending}"


def _selects_days(rule: Rule) -> bool:
    """Return whether BYSETPOS selects among days (RFC 5545 §3.3.10); with one day per period it selects among times."""
    return rule.freq != "DAILY" and bool(rule.days or rule.month_days or rule.year_days or rule.weeks)


def _start_month(rule: Rule, starts: datetime.datetime) -> tuple[int, ...]:
    open_days = not (rule.days or rule.month_days or rule.year_days or rule.weeks)
    return (starts.month,) if rule.freq == "YEARLY" and open_days else ()
