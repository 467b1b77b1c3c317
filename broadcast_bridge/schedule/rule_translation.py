"""Translation of a recurrence rule from UTC to a local clock of constant offset.

The days of a rule are days of its own clock: 22:30 UTC on Sunday is 05:30 on Monday in Vietnam. A rule is translated
only when the result is due at exactly the same moments; the end of a month cannot be shifted, for example.
"""

import datetime
from dataclasses import replace

from broadcast_bridge.schedule.rules import MAX_LIST, WEEKDAYS, Rule, WeekDay, parse_rule, rule_text

_SAFE = range(1, 28)
"""Days of a month that have a next day in every month."""


def translated(rrule: str, starts: datetime.datetime, ahead: datetime.timedelta) -> str | None:
    """Return the rule for a clock `ahead` of the one in which it is written, or None when no rule is equal.

    `starts` is wall time of the old clock.
    """
    rule = parse_rule(rrule)
    shift = _shift(rule, starts, ahead)
    if shift is None:
        return None
    moved: Rule | None = rule
    if shift != 0:
        moved = _moved(_plain(rule, starts), starts, shift)
    if moved is None:
        return None
    hours = tuple(sorted((hour + ahead // datetime.timedelta(hours=1)) % 24 for hour in rule.hours))
    until = rule.until + ahead if rule.until is not None and rule.until.tzinfo is None else rule.until
    return rule_text(replace(moved, hours=hours, until=until))


def _shift(rule: Rule, starts: datetime.datetime, ahead: datetime.timedelta) -> int | None:
    """Return by how many days the times of the rule move, None when some move otherwise than the rest."""
    if (rule.hours or rule.minutes) and ahead % datetime.timedelta(hours=1):
        return None
    days = {
        (starts.replace(hour=hour) + ahead).date() - starts.date()
        for hour in {*(rule.hours or (starts.hour,)), starts.hour}
    }
    return days.pop().days if len(days) == 1 else None


def _plain(rule: Rule, starts: datetime.datetime) -> Rule:
    """Write positions as numbered weekdays where they mean the same; Outlook writes "the first Monday" so."""
    times = max(len(rule.hours), 1) * max(len(rule.minutes), 1)
    alone = len(rule.days) == 1 and not rule.days[0].nth and not rule.month_days and times == 1
    if rule.freq == "MONTHLY" and rule.positions and alone and all(abs(place) <= 5 for place in rule.positions):
        days = tuple(WeekDay(rule.days[0].day, place) for place in rule.positions)
        return replace(rule, days=days, positions=())
    return rule


def _moved(rule: Rule, starts: datetime.datetime, shift: int) -> Rule | None:
    """Return the rule with its days moved by one, None when that is no rule."""
    if rule.weeks or rule.year_days or abs(shift) != 1:
        return None
    if rule.freq in ("DAILY", "WEEKLY"):
        return _moved_weekdays(rule, shift)
    if rule.interval > 1 and (starts + datetime.timedelta(days=shift)).month != starts.month:
        return None
    if any(day.nth for day in rule.days):
        return _moved_numbered(rule, shift)
    if not rule.days and not rule.month_days:
        return rule if _stays(starts.day, shift) and not rule.positions else None
    crossing = not rule.month_days or not all(_stays(day, shift) for day in rule.month_days)
    if crossing and ((rule.freq == "YEARLY" and rule.month_days) or rule.months or rule.interval > 1 or rule.positions):
        return None
    month_days = [_next(day, shift) for day in rule.month_days]
    if None in month_days:
        return None
    return replace(rule, days=_weekdays(rule, shift), month_days=tuple(day for day in month_days if day is not None))


def _moved_weekdays(rule: Rule, shift: int) -> Rule | None:
    if rule.months or (rule.freq == "DAILY" and not all(_stays(day, shift) for day in rule.month_days)):
        return None
    month_days = tuple(day for one in rule.month_days if (day := _next(one, shift)) is not None)
    week_start = (rule.week_start + shift) % 7 if rule.freq == "WEEKLY" else rule.week_start
    return replace(rule, days=_weekdays(rule, shift), month_days=month_days, week_start=week_start)


def _moved_numbered(rule: Rule, shift: int) -> Rule | None:
    """Move "the second Tuesday" to "the Wednesday from the 9th to the 15th"."""
    places = {frozenset(day.nth for day in rule.days if day.day == weekday.day) for weekday in rule.days}
    if len(places) != 1 or rule.month_days or rule.positions or (rule.freq == "YEARLY" and not rule.months):
        return None
    days: list[int] = []
    for nth in sorted(places.pop()):
        if nth == 0 or abs(nth) > 4:
            return None
        first = 7 * nth - 6 if nth > 0 else 7 * nth
        days += range(first, first + 7)
    moved = [_next(day, shift) for day in days]
    if not all(_stays(day, shift) for day in days) and (rule.months or rule.interval > 1):
        return None
    if None in moved or len(moved) > MAX_LIST:
        return None
    return replace(rule, days=_weekdays(rule, shift), month_days=tuple(day for day in moved if day is not None))


def _weekdays(rule: Rule, shift: int) -> tuple[WeekDay, ...]:
    return tuple(dict.fromkeys(WeekDay((day.day + shift) % len(WEEKDAYS)) for day in rule.days))


def _stays(day: int, shift: int) -> bool:
    """Return whether the day of a month and the one that it moves to lie in the same month, in every month."""
    if shift > 0:
        return day in _SAFE or -28 <= day <= -2
    return 2 <= day <= 28 or -27 <= day <= -1


def _next(day: int, shift: int) -> int | None:
    """Return the day of the month that a day moves to, None when it depends on the month."""
    if _stays(day, shift):
        return day + shift
    if (day, shift) == (-1, 1):
        return 1
    if (day, shift) == (1, -1):
        return -1
    return None
