"""Public holidays of Vietnam and working days of its offices.

The days come from the `holidays` library: the Labour Code's holidays with Tết and the Hùng kings' day by the lunar
calendar, days off in lieu, and Saturdays that are worked instead.
"""

import datetime
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from holidays import holiday_base


def _vietnam() -> type[holiday_base.HolidayBase]:
    """Load the library's module of Vietnam alone: its package would load 250 countries, 20 MB in each process."""
    name = "holidays.countries.vietnam"
    spec = spec_from_file_location(name, Path(holiday_base.__file__).parent / "countries" / "vietnam.py")
    if spec is None or spec.loader is None:
        raise ImportError(name=name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: type[holiday_base.HolidayBase] = module.Vietnam
    return found


_Vietnam = _vietnam()


@lru_cache(400)
def _calendar(year: int, language: str) -> holiday_base.HolidayBase:
    return _Vietnam(years=year, language=language)


def holiday_name(day: datetime.date, language: str = "vi") -> str | None:
    """Return the name of the public holiday on that day, in Vietnamese or English, or None."""
    name: str | None = _calendar(day.year, "en_US" if language == "en" else "vi").get(day)
    return name


@lru_cache(8192)
def is_working_day(day: datetime.date) -> bool:
    """Return whether offices are open on that day."""
    return bool(_calendar(day.year, "vi").is_working_day(day))
