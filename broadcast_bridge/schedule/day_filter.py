"""Days of a schedule: every day, except public holidays, or working days only."""

import datetime
from functools import lru_cache

from broadcast_bridge.schedule.states import Days
from haichieu.public_holidays import holiday_name, is_working_day


@lru_cache(8192)
def is_day_for(days: str, day: datetime.date) -> bool:
    """Return whether a schedule for such days runs on this day."""
    match Days(days):
        case Days.ANY:
            return True
        case Days.NOT_ON_HOLIDAYS:
            return holiday_name(day) is None
        case Days.WORKING_DAYS:
            return is_working_day(day)
