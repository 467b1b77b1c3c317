"""Days in Vietnam, by which registers, reports and the station book count; UTC is in the day before until seven."""

import datetime
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def local_day(at: datetime.datetime) -> datetime.date:
    """Return the day in Vietnam at that moment."""
    return at.astimezone(VIETNAM).date()
