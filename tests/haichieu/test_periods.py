"""Days of a report as they fall in the station's own time, over the borders of months and years."""

import datetime

from haichieu.periods import month_before, period_of

HANOI = "Asia/Ho_Chi_Minh"


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def test_this_month_is_the_month_there_and_not_in_greenwich() -> None:
    days = period_of(None, None, HANOI, at("2026-11-30T18:30:00+00:00"))
    assert (days.since, days.until) == (datetime.date(2026, 12, 1), datetime.date(2026, 12, 1))
    assert days.begin == at("2026-11-30T17:00:00+00:00")
    assert days.end == at("2026-12-01T17:00:00+00:00")


def test_days_are_taken_in_either_order_and_the_last_one_is_included() -> None:
    days = period_of(datetime.date(2026, 3, 1), datetime.date(2026, 2, 28), HANOI, at("2026-11-30T00:00:00+00:00"))
    assert (days.begin, days.end) == (at("2026-02-28T00:00:00+07:00"), at("2026-03-02T00:00:00+07:00"))


def test_a_last_day_alone_begins_with_its_month() -> None:
    days = period_of(None, datetime.date(2026, 2, 10), HANOI, at("2026-11-30T00:00:00+00:00"))
    assert days.since == datetime.date(2026, 2, 1)


def test_a_day_of_summer_time_is_as_long_as_it_is() -> None:
    day = datetime.date(2026, 3, 29)
    days = period_of(day, day, "Europe/Berlin", at("2026-11-30T00:00:00+00:00"))
    assert days.end - days.begin == datetime.timedelta(hours=24)  # by the wall clock, as Python subtracts
    assert days.end.astimezone(datetime.UTC) - days.begin.astimezone(datetime.UTC) == datetime.timedelta(hours=23)


def test_days_that_no_calendar_needs_are_drawn_in() -> None:
    days = period_of(datetime.date.min, datetime.date.max, HANOI, at("2026-11-30T00:00:00+00:00"))
    assert (days.since.year, days.until.year) == (2000, 2999)
    assert days.end.year == 3000


def test_the_month_before_january_is_december() -> None:
    assert month_before(datetime.date(2026, 1, 31)) == (datetime.date(2025, 12, 1), datetime.date(2025, 12, 31))
    assert month_before(datetime.date(2028, 3, 1)) == (datetime.date(2028, 2, 1), datetime.date(2028, 2, 29))
