"""The report on cases over a few whose figures can be counted by hand."""

import datetime

import pytest
from sqlalchemy.orm import Session

from feedback.cases.case_reports import cases_handled
from feedback.models import Case
from feedback.states import CaseStatus
from haichieu.database import Database
from tests.builders.cases import Office, case, office

pytestmark = pytest.mark.both_databases

HOUR = datetime.timedelta(hours=1)
OPENED = datetime.datetime(2026, 11, 10, 2, 0, tzinfo=datetime.UTC)
NOW = OPENED + 240 * HOUR
BEGIN, END = OPENED - 24 * HOUR, OPENED + 24 * HOUR


def opened(
    session: Session, there: Office, hours: float | None, due: float = 100, *, status: str = "", **more: object
) -> Case:
    one = case(session, there)
    one.opened_at, one.due_at = OPENED, OPENED + due * HOUR
    one.answered_at = None if hours is None else OPENED + hours * HOUR
    one.status = status or (CaseStatus.NEW if hours is None else CaseStatus.ANSWERED)
    for name, value in more.items():
        setattr(one, name, value)
    session.flush()
    return one


def test_cases_are_counted_as_a_whole_by_unit_and_by_category(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        opened(session, there, 10, category=there.roads)
        opened(session, there, 150, category=there.roads)
        opened(session, there, 30)
        opened(session, there, None)
        opened(session, there, None, due=500, unit_id=there.coc_pang.id, channel="visit")
        opened(session, there, None, status=CaseStatus.CLOSED)
        units = [there.co_ba.id, there.coc_pang.id]

        found = cases_handled(session, units, BEGIN, END, NOW)

    total = found.total
    assert (total.opened, total.answered, total.waiting, total.overdue, total.late) == (6, 3, 2, 1, 1)
    assert (total.median_hours, total.within_a_day, total.within_a_week) == (30.0, 1, 3)
    assert [(one.code, one.opened) for one in found.by_unit] == [("BL-CB", 5), ("BL-CP", 1)]
    assert [(one.code, one.opened) for one in found.by_commune] == [("BL-CB", 5), ("BL-CP", 1)]
    assert [(one.code, one.opened, one.median_hours) for one in found.by_category] == [("", 4, 30.0), ("1", 2, 80.0)]
    assert [(one.code, one.opened) for one in found.by_channel] == [("text", 5), ("visit", 1)]


def test_a_merged_case_is_counted_once(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        main = opened(session, there, None)
        opened(session, there, None, duplicate_of_id=main.id)
        assert cases_handled(session, [there.co_ba.id], BEGIN, END, NOW).total.opened == 1


def test_other_units_and_other_days_are_left_out(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        opened(session, there, None, opened_at=BEGIN)
        opened(session, there, None, opened_at=END)
        opened(session, there, None, unit_id=there.coc_pang.id)
        found = cases_handled(session, [there.co_ba.id], BEGIN, END, NOW)
    assert (found.total.opened, found.total.median_hours) == (1, None)
