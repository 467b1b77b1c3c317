"""A range of local days, both ends included, for reports and filters."""

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

FIRST_DAY, LAST_DAY = datetime.date(2000, 1, 1), datetime.date(2999, 12, 31)


@dataclass(frozen=True)
class Period:
    """From the first moment of the day `since` to the last of the day `until`, as they fall in a time zone."""

    since: datetime.date
    until: datetime.date
    timezone: str

    @property
    def begin(self) -> datetime.datetime:
        """Start, inclusive."""
        return self._midnight(self.since)

    @property
    def end(self) -> datetime.datetime:
        """End, exclusive."""
        return self._midnight(self.until + datetime.timedelta(days=1))

    def _midnight(self, day: datetime.date) -> datetime.datetime:
        return datetime.datetime.combine(day, datetime.time(), ZoneInfo(self.timezone))


def period_of(since: datetime.date | None, until: datetime.date | None, timezone: str, at: datetime.datetime) -> Period:
    """Return the requested days, given in either order.

    The default for the first day is the start of the last day's month, and for the last day today.
    """
    last = until or at.astimezone(ZoneInfo(timezone)).date()
    if until is None and since is not None:
        last = max(last, since)
    first = since or last.replace(day=1)
    first, last = (min(max(day, FIRST_DAY), LAST_DAY) for day in sorted((first, last)))
    return Period(first, last, timezone)


def month_before(day: datetime.date) -> tuple[datetime.date, datetime.date]:
    """Return the first and last day of the month before that of a day."""
    last = day.replace(day=1) - datetime.timedelta(days=1)
    return last.replace(day=1), last
