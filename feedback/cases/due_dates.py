"""Due dates of cases: the close of office hours on a working day, in the station's time zone.

The day of opening does not count (Civil Code 2015, art. 147), nor do weekends and public holidays.
"""

import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from feedback.models import Case
from haichieu.alarms import AlarmKind, alarm_is_over
from haichieu.public_holidays import is_working_day
from haichieu.station import the_station

OFFICE_CLOSES = datetime.time(17)
WITHOUT_CATEGORY = 10
"""Working days for a case without a category, so that it is not forgotten."""

_DAY = datetime.timedelta(days=1)


def due_after(opened_at: datetime.datetime, days: int, timezone: datetime.tzinfo) -> datetime.datetime:
    """Return the close of office hours on the last of `days` working days (at least one) after `opened_at`."""
    day = opened_at.astimezone(timezone).date()
    for _ in range(max(days, 1)):
        day = _next_working_day(day)
    return datetime.datetime.combine(day, OFFICE_CLOSES, timezone).astimezone(datetime.UTC)


def reminded_until(at: datetime.datetime, timezone: datetime.tzinfo) -> datetime.datetime:
    """Return the latest due date that is to be reminded of at `at`: one working day ahead."""
    local = at.astimezone(timezone)
    hour = local.time() if is_working_day(local.date()) else datetime.time.max
    return datetime.datetime.combine(_next_working_day(local.date()), hour, timezone).astimezone(datetime.UTC)


def renew(session: Session, case: Case, since: datetime.datetime) -> None:
    """Calculate the due date again, counting from `since`; a new date gets new reminders."""
    days = case.category.answer_within_days if case.category else WITHOUT_CATEGORY
    due_at = due_after(since, days, ZoneInfo(the_station(session).timezone))
    if due_at != case.due_at:
        case.due_at, case.reminded_at, case.overdue_alarm_at = due_at, None, None
        settle(session, case)


def settle(session: Session, case: Case) -> None:
    """Clear the alarm of a case that was answered or has a new due date."""
    alarm_is_over(session, AlarmKind.CASE_OVERDUE, f"case:{case.number}")


def _next_working_day(day: datetime.date) -> datetime.date:
    day += _DAY
    while not is_working_day(day):
        day += _DAY
    return day
