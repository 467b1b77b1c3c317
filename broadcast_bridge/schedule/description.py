"""A recurrence as a sentence, in Vietnamese and English: what a person checks before they save it."""

import datetime
from collections.abc import Sequence

from broadcast_bridge.schedule.lunar import LunarRule, parse_lunar
from broadcast_bridge.schedule.recurrence import Recurrence
from broadcast_bridge.schedule.rules import Rule, WeekDay, parse_rule

_DAYS = {
    "vi": ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ Nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_UNITS = {
    "DAILY": ("ngày", "day"),
    "WEEKLY": ("tuần", "week"),
    "MONTHLY": ("tháng", "month"),
    "YEARLY": ("năm", "year"),
}
_LUNAR_MONTHS = {1: "tháng Giêng", 11: "tháng Một", 12: "tháng Chạp"}


def in_words(recurrence: Recurrence, language: str = "vi") -> str:
    """Say when something recurs, for example `Thứ Hai, Thứ Tư hằng tuần lúc 17:00`."""
    vi = language != "en"
    at, starts = (" lúc " if vi else " at "), recurrence.starts
    if recurrence.lunar:
        said = _lunar(parse_lunar(recurrence.lunar), vi) + at + f"{starts:%H:%M}"
    elif recurrence.rrule:
        rule = parse_rule(recurrence.rrule)
        said = _days(rule, starts, vi) + at + _hours(rule, starts, vi) + _end(rule, vi)
    else:
        said = ("Một lần, ngày " if vi else "Once, on ") + _date(starts.date(), vi) + at + f"{starts:%H:%M}"
    return said + _limits(recurrence, vi)


def _days(rule: Rule, starts: datetime.datetime, vi: bool) -> str:
    parts = [_positions(rule, vi), *_day_parts(rule, starts, vi)]
    every = _every(rule, vi)
    found = ", ".join(part for part in parts if part)
    if rule.freq == "DAILY":
        months = _months(rule.months, vi)
        return ", ".join(part for part in (every, found, months) if part)
    months = _months(rule.months or _start_month(rule, starts), vi)
    if vi:
        return " ".join(part for part in (_capital(found), months, every.lower() if found or months else every) if part)
    said = " ".join(part for part in (found, f"of {months}" if months else "") if part)
    return f"{every} on {said}" if said else every


def _day_parts(rule: Rule, starts: datetime.datetime, vi: bool) -> list[str]:
    days = rule.days or ((WeekDay(starts.weekday()),) if rule.freq == "WEEKLY" else ())
    month_days = rule.month_days
    if not (rule.days or month_days or rule.year_days or rule.weeks) and rule.freq in ("MONTHLY", "YEARLY"):
        month_days = (starts.day,)
    parts: list[str] = []
    if days:
        parts.append(", ".join(_weekday(day, vi) for day in days))
    if month_days:
        regular = [day for day in month_days if day > 0]
        said = [("ngày " if vi else "day ") + ", ".join(str(day) for day in regular)] if regular else []
        said += [_from_the_end(-day, vi) for day in month_days if day < 0]
        parts.append(", ".join(said))
    if rule.year_days:
        numbers = ", ".join(str(day) for day in rule.year_days)
        parts.append(f"ngày thứ {numbers} trong năm" if vi else f"day {numbers} of the year")
    if rule.weeks:
        numbers = ", ".join(str(week) for week in rule.weeks)
        parts.append(f"tuần thứ {numbers}" if vi else f"week {numbers}")
    return parts


def _start_month(rule: Rule, starts: datetime.datetime) -> tuple[int, ...]:
    open_days = not (rule.days or rule.month_days or rule.year_days or rule.weeks)
    return (starts.month,) if rule.freq == "YEARLY" and open_days else ()


def _every(rule: Rule, vi: bool) -> str:
    vietnamese, english = _UNITS[rule.freq]
    if rule.interval == 1:
        return f"Hằng {vietnamese}" if vi else f"Every {english}"
    return f"{rule.interval} {vietnamese} một lần" if vi else f"Every {rule.interval} {english}s"


def _weekday(day: WeekDay, vi: bool) -> str:
    name = _DAYS["vi" if vi else "en"][day.day]
    if day.nth == 0:
        return name
    if day.nth == -1:
        return f"{name} cuối cùng" if vi else f"the last {name}"
    if day.nth < 0:
        return f"{name} thứ {-day.nth} từ cuối" if vi else f"the {_ordinal(-day.nth)} {name} from the end"
    if vi:
        return f"{name} đầu tiên" if day.nth == 1 else f"{name} lần thứ {day.nth}"
    return f"the {_ordinal(day.nth)} {name}"


def _from_the_end(number: int, vi: bool) -> str:
    if number == 1:
        return "ngày cuối tháng" if vi else "the last day of the month"
    return f"ngày thứ {number} từ cuối tháng" if vi else f"the {_ordinal(number)} day from the end of the month"


def _positions(rule: Rule, vi: bool) -> str:
    if not rule.positions:
        return ""
    numbers = ", ".join(str(position) for position in rule.positions)
    return f"lần thứ {numbers} trong" if vi else f"number {numbers} of"


def _months(months: Sequence[int], vi: bool) -> str:
    if not months:
        return ""
    return "tháng " + ", ".join(map(str, months)) if vi else ", ".join(_MONTHS[month - 1] for month in months)


def _hours(rule: Rule, starts: datetime.datetime, vi: bool) -> str:
    times = [
        f"{hour:02d}:{minute:02d}"
        for hour in sorted(rule.hours or (starts.hour,))
        for minute in sorted(rule.minutes or (starts.minute,))
    ]
    return _and(times, vi)


def _end(rule: Rule, vi: bool) -> str:
    if rule.count is not None:
        return f", {rule.count} lần" if vi else f", {rule.count} times"
    if rule.until is not None:
        return (", đến hết ngày " if vi else ", until ") + _date(rule.until.date(), vi)
    return ""


def _lunar(rule: LunarRule, vi: bool) -> str:
    leap = ""
    if rule.month is not None and rule.leap:
        leap = " (kể cả tháng nhuận)" if vi else " (leap month too)"
    elif rule.month is None and not rule.leap:
        leap = " (trừ tháng nhuận)" if vi else " (not in leap months)"
    if not vi:
        days = [("the last day" if day == -1 else f"day {day}") for day in rule.days]
        return (
            f"{_capital(_and(days, vi))} of {f'lunar month {rule.month}' if rule.month else 'every lunar month'}{leap}"
        )
    days = [
        {15: "rằm", -1: "ngày cuối"}.get(day) or ("mùng " if day <= 10 else "ngày ") + str(day) for day in rule.days
    ]
    month = _LUNAR_MONTHS.get(rule.month, f"tháng {rule.month}") if rule.month else "hằng tháng"
    return f"{_capital(_and(days, vi))} {month} âm lịch{leap}"


def _limits(recurrence: Recurrence, vi: bool) -> str:
    said = ""
    if recurrence.valid_from is not None:
        said += (", từ ngày " if vi else ", from ") + _date(recurrence.valid_from, vi)
    if recurrence.valid_until is not None:
        said += (", đến hết ngày " if vi else ", to ") + _date(recurrence.valid_until, vi)
    if recurrence.exdates:
        said += f", trừ {len(recurrence.exdates)} ngày" if vi else f", without {len(recurrence.exdates)} dates"
    if recurrence.rdates:
        said += f", thêm {len(recurrence.rdates)} lần" if vi else f", and {len(recurrence.rdates)} times more"
    return said


def _date(day: datetime.date, vi: bool) -> str:
    return f"{day:%d/%m/%Y}" if vi else day.isoformat()


def _and(parts: Sequence[str], vi: bool) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + (" và " if vi else " and ") + parts[-1]


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
