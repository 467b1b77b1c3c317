"""Hours of a day, past midnight, on working days and holidays."""

import datetime

import pytest

from haichieu.day_hours import next_moment_within, within

TUESDAY = datetime.datetime(2026, 11, 24, 9, 0)


@pytest.mark.parametrize(
    ("hours", "hour", "minute", "inside"),
    [
        ("07:30-17:00", 7, 29, False),
        ("07:30-17:00", 7, 30, True),
        ("07:30-17:00", 16, 59, True),
        ("07:30-17:00", 17, 0, False),
        ("21:30-05:00", 23, 0, True),
        ("21:30-05:00", 4, 59, True),
        ("21:30-05:00", 12, 0, False),
        ("00:00-00:00", 23, 59, True),
        ("", 3, 0, True),
    ],
)
def test_a_moment_lies_in_hours_or_not(hours: str, hour: int, minute: int, *, inside: bool) -> None:
    assert within(hours, TUESDAY.replace(hour=hour, minute=minute)) is inside


@pytest.mark.parametrize(
    ("day", "open_then"),
    [
        (datetime.date(2026, 11, 25), True),
        (datetime.date(2026, 11, 24), False),  # the Day of Vietnamese Culture
        (datetime.date(2026, 11, 22), False),  # Sunday
        (datetime.date(2026, 2, 17), False),  # Tết
        (datetime.date(2026, 9, 2), False),  # National Day
    ],
)
def test_an_office_is_closed_on_days_off(day: datetime.date, *, open_then: bool) -> None:
    assert within("07:30-17:00", datetime.datetime.combine(day, datetime.time(9)), working_days=True) is open_then


def test_outside_of_the_hours_the_next_beginning_counts() -> None:
    assert next_moment_within("08:00-20:00", TUESDAY) == TUESDAY
    assert next_moment_within("08:00-20:00", TUESDAY.replace(hour=21)) == TUESDAY.replace(day=25, hour=8)
    assert next_moment_within("08:00-20:00", TUESDAY.replace(hour=6)) == TUESDAY.replace(hour=8)


def test_hours_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="25:00"):
        within("25:00-26:00", TUESDAY)
