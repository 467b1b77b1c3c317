"""Public holidays of Vietnam and working days of its offices.

The days come from the `holidays` library: the Labour Code's holidays with Tết and the Hùng kings' day by the lunar
calendar, days off in lieu, and Saturdays that are worked instead.
"""

import datetime
from functools import lru_cache

import holidays


@lru_cache(400)
def _calendar(year: int, language: str) -> holidays.HolidayBase:
    return holidays.country_holidays("VN", years=year, language=language)


def holiday_name(day: datetime.date, language: str = "vi") -> str | None:
    """Return the name of the public holiday on that day, in Vietnamese or English, or None."""
    name: str | None = _calendar(day.year, "en_US" if language == "en" else "vi").get(day)
    return name


@lru_cache(8192)
def is_working_day(day: datetime.date) -> bool:
    """Return whether offices are open on that day."""
    return bool(_calendar(day.year, "vi").is_working_day(day))
