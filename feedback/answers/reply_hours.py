"""Reply hours: when citizens may be called or texted an answer."""

import datetime
from zoneinfo import ZoneInfo

from haichieu.day_hours import next_moment_within
from haichieu.station import Station


def next_polite_moment(station: Station, at: datetime.datetime) -> datetime.datetime:
    """Return `at` when it lies within the station's reply hours, else their next beginning."""
    local = at.astimezone(ZoneInfo(station.timezone))
    return next_moment_within(station.reply_hours, local).astimezone(datetime.UTC)
