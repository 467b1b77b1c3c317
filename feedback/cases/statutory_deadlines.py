"""Alarms one working day before a statutory time runs out: forwarding of formal cases, requests about personal data."""

import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.cases import due_dates
from feedback.citizens.models import DataRequest
from feedback.models import Case, FormalCase
from feedback.states import RequestState
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.locale import message
from haichieu.station import the_station

AT_ONCE = 200


def alarm_soon_due(session: Session, at: datetime.datetime) -> int:
    """Raise the alarms that are due, each once; at most `AT_ONCE` per kind. Return how many."""
    until = due_dates.reminded_until(at, ZoneInfo(the_station(session).timezone))
    return _requests(session, until, at) + _forwarding(session, until, at)


def _requests(session: Session, until: datetime.datetime, at: datetime.datetime) -> int:
    soon = (
        sa.select(DataRequest)
        .where(
            DataRequest.state == RequestState.OPEN, DataRequest.due_at <= until, DataRequest.alarmed_at.is_(None)
        )
        .order_by(DataRequest.due_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )  # fmt: skip
    found = session.scalars(soon).all()
    for one in found:
        one.alarmed_at = at
        kind = message(f"data_request.kind.{one.kind}")
        what = message("data_request.alarm", kind=kind, number=one.id, at=one.due_at)
        raise_alarm(session, AlarmKind.DATA_REQUEST_DUE, f"data-request:{one.id}", what)
    return len(found)


def _forwarding(session: Session, until: datetime.datetime, at: datetime.datetime) -> int:
    soon = (
        sa.select(FormalCase, Case.number)
        .join(Case, Case.id == FormalCase.case_id)
        .where(
            FormalCase.forwarded_at.is_(None), FormalCase.forward_due_at <= until, FormalCase.alarmed_at.is_(None)
        )
        .order_by(FormalCase.forward_due_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=FormalCase)
    )  # fmt: skip
    found = session.execute(soon).all()
    for entry, number in found:
        entry.alarmed_at = at
        what = message("formal.alarm", number=number, at=entry.forward_due_at)
        raise_alarm(session, AlarmKind.FORWARDING_DUE, f"case:{number}", what)
    return len(found)
