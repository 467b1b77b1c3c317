import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.cases import assignment
from feedback.cases.case_lifecycle import happen
from feedback.cases.due_dates import OFFICE_CLOSES, due_after, reminded_until
from feedback.states import CaseEvent
from haichieu.database import Database
from haichieu.public_holidays import is_working_day
from tests.builders.cases import case, office

HERE = ZoneInfo("Asia/Ho_Chi_Minh")
MOMENTS = st.datetimes(
    datetime.datetime(2020, 1, 1), datetime.datetime(2035, 1, 1), timezones=st.just(datetime.UTC)
)  # fmt: skip


def local(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=HERE)


@pytest.mark.parametrize(
    ("opened", "days", "due"),
    [
        ("2026-11-16 09:00", 1, "2026-11-17 17:00"),
        ("2026-11-16 23:59", 1, "2026-11-17 17:00"),
        ("2026-11-27 09:00", 1, "2026-11-30 17:00"),  # over a weekend
        ("2026-11-28 09:00", 2, "2026-12-01 17:00"),  # a Saturday
        ("2026-02-13 16:00", 1, "2026-02-23 17:00"),  # over Tết
        ("2026-04-29 08:00", 1, "2026-05-04 17:00"),  # 30 April and 1 May
        ("2026-11-17 00:30", 1, "2026-11-18 17:00"),  # still the 16th in UTC
    ],
)
def test_working_days_are_counted_in_local_time(opened: str, days: int, due: str) -> None:
    assert due_after(local(opened), days, HERE) == local(due)


@settings(deadline=None)
@given(MOMENTS, st.integers(1, 60))
def test_a_due_date_is_the_close_of_the_last_promised_working_day(opened: datetime.datetime, days: int) -> None:
    due = due_after(opened, days, HERE).astimezone(HERE)
    assert (due.time(), is_working_day(due.date())) == (OFFICE_CLOSES, True)
    first = opened.astimezone(HERE).date()
    between = [first + datetime.timedelta(days=day) for day in range(1, (due.date() - first).days + 1)]
    assert sum(is_working_day(day) for day in between) == days
    assert due_after(opened, days + 1, HERE) > due


@settings(deadline=None)
@given(MOMENTS, MOMENTS)
def test_a_later_case_is_due_no_earlier(one: datetime.datetime, other: datetime.datetime) -> None:
    earlier, later = sorted((one, other))
    assert due_after(earlier, 3, HERE) <= due_after(later, 3, HERE)
    assert reminded_until(earlier, HERE) <= reminded_until(later, HERE)


@settings(deadline=None)
@given(MOMENTS)
def test_a_reminder_comes_one_working_day_ahead(at: datetime.datetime) -> None:
    until = reminded_until(at, HERE).astimezone(HERE)
    today = at.astimezone(HERE).date()
    between = (today + datetime.timedelta(days=day) for day in range(1, (until.date() - today).days + 1))
    assert sum(is_working_day(day) for day in between) == 1


def test_another_category_or_a_reopening_restarts_the_due_date(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        opened = case(session, there)
        assert opened.due_at == due_after(opened.opened_at, 10, HERE)  # nobody has said what it is about
        assignment.categorise(session, opened, there.roads, "account:a@b.vn", "account:a@b.vn", opened.opened_at)
        assert opened.due_at == due_after(opened.opened_at, 7, HERE)
        later = opened.opened_at + datetime.timedelta(days=40)
        opened.reminded_at = later
        happen(session, opened, CaseEvent.ANSWER, "account:a@b.vn", later)
        happen(session, opened, CaseEvent.REOPEN, "citizen", later)
        assert (opened.due_at, opened.reminded_at) == (due_after(later, 7, HERE), None)
        assignment.categorise(session, opened, there.benefits, "account:a@b.vn", "account:a@b.vn", later)
        assert opened.due_at == due_after(later, 10, HERE)
