"""The hours in which citizens may be called or texted an answer: nobody wants to be rung up at night."""

import datetime
from zoneinfo import ZoneInfo

from haichieu.station import Station


def next_polite_moment(station: Station, at: datetime.datetime) -> datetime.datetime:
    """Return `at` when it lies within the station's reply hours, else the moment when they begin next.

    Hours may pass midnight ("20:00-06:00"); none at all, or the same twice, mean any hour.
    """
    first, _, last = station.reply_hours.partition("-")
    if not last:
        return at
    begin, end = datetime.time.fromisoformat(first.strip()), datetime.time.fromisoformat(last.strip())
    local = at.astimezone(ZoneInfo(station.timezone))
    clock = local.time().replace(tzinfo=None)
    if begin == end or (begin <= clock < end if begin < end else clock >= begin or clock < end):
        return at
    opens = local.replace(hour=begin.hour, minute=begin.minute, second=0, microsecond=0)
    return (opens if clock < begin else opens + datetime.timedelta(days=1)).astimezone(datetime.UTC)
