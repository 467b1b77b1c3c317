"""Reminders one working day before a case is due, and an alarm when it is overdue: each once per due date.

The station sends no mail: a reminder is a step in the case's history and a log line, and the panel and `haichieu
status` show overdue cases.
"""

import asyncio
import datetime
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from feedback.cases import due_dates, statutory_deadlines
from feedback.cases.case_lifecycle import OPEN, note
from feedback.cases.case_search import NOT_MERGED
from feedback.models import Case
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import Database, now
from haichieu.errors import shown
from haichieu.locale import Message, message
from haichieu.set_aside import or_set_aside
from haichieu.station import the_station

log = structlog.get_logger()

LOOK_EVERY = datetime.timedelta(hours=1)
AT_ONCE = 200


@dataclass(frozen=True)
class Reminded:
    """Numbers of cases that were reminded of, and that became overdue."""

    soon: int
    late: int

    def __bool__(self) -> bool:
        return bool(self.soon or self.late)


def remind(session: Session, at: datetime.datetime) -> Reminded:
    """Remind of cases due by the next working day and raise alarms for overdue ones; at most `AT_ONCE` each."""
    timezone = ZoneInfo(the_station(session).timezone)
    late = _waiting(session, Case.overdue_alarm_at.is_(None), Case.due_at < at)
    alarmed = [case.number for case in late if _one(session, case, partial(_overdue, session, case, at))]
    until = due_dates.reminded_until(at, timezone)
    soon = _waiting(session, Case.reminded_at.is_(None), Case.due_at >= at, Case.due_at <= until)
    reminded = [case.number for case in soon if _one(session, case, partial(_due_soon, session, case, at))]
    if reminded:
        log.info("cases.due_soon", cases=reminded)
    return Reminded(len(reminded), len(alarmed))


def _one(session: Session, case: Case, work: Callable[[], bool]) -> bool | None:
    """Handle one case; a case that fails delays no other, and is tried again at the next look."""
    return or_set_aside(session, f"case:{case.id}", work)


def _overdue(session: Session, case: Case, at: datetime.datetime) -> bool:
    case.overdue_alarm_at = at
    case.reminded_at = case.reminded_at or at
    where = case.department.name if case.department else case.unit.name
    what = message("case.alarm.overdue", number=case.number, where=where)
    raise_alarm(session, AlarmKind.CASE_OVERDUE, f"case:{case.number}", what)
    note(session, case, "system", "overdue", at, before=_due(case))
    return True


def _due_soon(session: Session, case: Case, at: datetime.datetime) -> bool:
    case.reminded_at = at
    note(session, case, "system", "reminded", at, after=_due(case))
    return True


def next_look(session: Session, at: datetime.datetime) -> datetime.datetime:
    """Return when to look again: in an hour, or when the next case becomes overdue."""
    earliest = session.scalar(
        sa.select(sa.func.min(Case.due_at, type_=Case.due_at.type)).where(*_still_waiting(), Case.due_at >= at)
    )
    return min(earliest + datetime.timedelta(seconds=1), at + LOOK_EVERY) if earliest else at + LOOK_EVERY


async def watch_due_dates(database: Database) -> None:
    """Remind until cancelled."""
    while True:
        try:
            while await database.run(_all_that_is_due):
                pass
            at = now()
            following = await database.look(lambda session: next_look(session, now()))
            await asyncio.sleep(max((following - at).total_seconds(), 1.0))
        except sa.exc.DBAPIError as problem:
            log.warning("reminders.database_away", problem=shown(problem))
            await asyncio.sleep(10.0)


def _all_that_is_due(session: Session) -> bool:
    at = now()
    return bool(remind(session, at)) | bool(statutory_deadlines.alarm_soon_due(session, at))


def _still_waiting() -> tuple[sa.ColumnElement[bool], ...]:
    return (Case.status.in_([str(status) for status in OPEN]), NOT_MERGED)


def _waiting(session: Session, *such: sa.ColumnElement[bool]) -> list[Case]:
    query = sa.select(Case).where(*_still_waiting(), *such).order_by(Case.due_at, Case.id).limit(AT_ONCE)
    return list(session.scalars(query.with_for_update(skip_locked=True)))


def _due(case: Case) -> Message | str:
    return message("case.due", at=case.due_at) if case.due_at else ""
