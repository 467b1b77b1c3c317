"""Quarters of a year, as the register of duties is listed by."""

import datetime
import re
from dataclasses import dataclass

FIRST_YEAR, LAST_YEAR = 2020, 2100


@dataclass(frozen=True)
class Quarter:
    """A quarter, 1 to 4, of a year. As text it is `2026-4`."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}-{self.number}"

    @property
    def first(self) -> datetime.date:
        """Its first day."""
        return datetime.date(self.year, 3 * self.number - 2, 1)

    @property
    def last(self) -> datetime.date:
        """Its last day."""
        return self.after.first - datetime.timedelta(days=1)

    @property
    def before(self) -> "Quarter":
        """The quarter before."""
        return Quarter(self.year, self.number - 1) if self.number > 1 else Quarter(self.year - 1, 4)

    @property
    def after(self) -> "Quarter":
        """The next quarter."""
        return Quarter(self.year, self.number + 1) if self.number < 4 else Quarter(self.year + 1, 1)


def quarter_of(day: datetime.date) -> Quarter:
    """Return the quarter of a day."""
    return Quarter(day.year, (day.month + 2) // 3)


def quarter_named(text: str, today: datetime.date) -> Quarter:
    """Return the quarter that a text names, by default that of today."""
    match = re.fullmatch(r"([0-9]{4})-([1-4])", text)
    if match is None or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
        return quarter_of(today)
    return Quarter(int(match[1]), int(match[2]))
