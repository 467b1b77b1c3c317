"""Time ranges of a day, as `07:30-17:00`; a range may cross midnight, and equal ends cover the whole day."""

import datetime
import re

from haichieu.public_holidays import is_working_day

MINUTES_OF_A_DAY = 24 * 60

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def within(hours: str, local: datetime.datetime, *, working_days: bool = False) -> bool:
    """Return whether a local time is within the hours, optionally only on working days. Empty hours mean always."""
    if not hours:
        return True
    begins, ends = _span(hours)
    time = local.time()
    inside = begins <= time < ends if begins < ends else time >= begins or time < ends
    return inside and (not working_days or is_working_day(local.date()))


def next_moment_within(hours: str, local: datetime.datetime) -> datetime.datetime:
    """Return the time itself when it is within the hours, else their next start."""
    if within(hours, local):
        return local
    begins, _ = _span(hours)
    today = local.replace(hour=begins.hour, minute=begins.minute, second=0, microsecond=0)
    return today if today > local else today + datetime.timedelta(days=1)


def minutes_of(hours: str) -> list[tuple[int, int]]:
    """Return the covered parts of a day in minutes from midnight, in order. Empty hours cover the whole day."""
    if not hours:
        return [(0, MINUTES_OF_A_DAY)]
    begins, ends = (time.hour * 60 + time.minute for time in _span(hours))
    if begins < ends:
        return [(begins, ends)]
    return [part for part in ((0, ends), (begins, MINUTES_OF_A_DAY)) if part[0] < part[1]]


def _span(hours: str) -> tuple[datetime.time, datetime.time]:
    match = _HOURS.fullmatch(hours)
    if match is None:
        raise ValueError(f"{hours!r} are no hours of a day")
    first, second, third, fourth = (int(part) for part in match.groups())
    return datetime.time(first, second), datetime.time(third, fourth)
