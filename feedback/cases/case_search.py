"""Search of cases by words, with and without diacritics, and by their fields; counts of waiting work."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from feedback import job_kinds
from feedback.cases.case_lifecycle import OPEN
from feedback.models import Case, Message, Transcript
from feedback.states import CaseStatus, Channel
from haichieu.folded_text import folded
from haichieu.jobs import Job, JobState
from haichieu.people import Unit, units_under

PAGE = 50

NOT_MERGED = sa.func.coalesce(Case.duplicate_of_id, 0) == 0
"""Nearly every case is not merged. The expression keeps the planner from using an index on that condition alone."""

_STATUS_OF_MANY = sa.func.coalesce(Case.status, "")
"""Nearly every case is closed. The expression keeps the planner from sorting all of them by an index on states."""

Place = tuple[datetime.datetime, int]
"""The start of a page: after the case with this opening and id."""


@dataclass(frozen=True)
class Wanted:
    """Search criteria; omitted ones do not matter. `unit_ids` includes all units under them."""

    words: str = ""
    unit_ids: Collection[int] = ()
    statuses: Collection[CaseStatus] = ()
    category_id: int | None = None
    department_id: int | None = None
    assignee_id: int | None = None
    channel: Channel | None = None
    overdue_at: datetime.datetime | None = None
    """Only cases that were due before this moment and are still unanswered."""


@dataclass(frozen=True)
class Page:
    """Cases, newest first, and the start of the next page; None on the last one."""

    cases: list[Case]
    after: Place | None


@dataclass(frozen=True)
class Waiting:
    """Counts of unanswered cases, of overdue ones, and of voice messages that are not yet transcribed."""

    open: int
    overdue: int
    transcripts: int


def index(session: Session, case: Case) -> None:
    """Update the search text of a case; call it whenever its words change."""
    rows = session.execute(
        sa.select(Message.text, Transcript.text)
        .outerjoin(Transcript, Transcript.message_id == Message.id)
        .where(Message.case_id == case.id)
        .order_by(Message.id)
    )
    case.search_text = folded(" ".join([case.number, *(text for row in rows for text in row if text)]))


def find(session: Session, wanted: Wanted, after: Place | None = None, most: int = PAGE) -> Page:
    """Return one page of cases. Every word must match; one with diacritics also matches text without them."""
    query = (
        sa.select(Case)
        .where(*conditions(session, wanted))
        .options(joinedload(Case.unit), joinedload(Case.category), joinedload(Case.department))
        .order_by(Case.opened_at.desc(), Case.id.desc())
        .limit(most + 1)
    )
    if after is not None:
        opened_at, case_id = after
        query = query.where(Case.opened_at <= opened_at, sa.or_(Case.opened_at < opened_at, Case.id < case_id))
    found = list(session.scalars(query))
    last = found[most - 1] if len(found) > most else None
    return Page(found[:most], (last.opened_at, last.id) if last else None)


def waiting(session: Session, at: datetime.datetime, unit_ids: Collection[int] = ()) -> Waiting:
    """Count what waits in these units and all under them, or everywhere."""
    narrowed = conditions(session, Wanted(unit_ids=unit_ids, statuses=OPEN))
    late = sa.func.count().filter(Case.due_at < at)
    still, overdue = session.execute(
        sa.select(sa.func.count(), late).select_from(Case).where(*narrowed, NOT_MERGED)
    ).one()
    spoken = sa.select(sa.func.count()).select_from(Job)
    spoken = spoken.where(Job.kind == job_kinds.TRANSCRIBE, Job.state.in_([JobState.WAITING, JobState.RUNNING]))
    if unit_ids:
        spoken = spoken.join(Message, Message.id == Job.subject_id).join(Case, Case.id == Message.case_id)
        spoken = spoken.where(*conditions(session, Wanted(unit_ids=unit_ids)))
    return Waiting(still, overdue, session.scalars(spoken).one())


def conditions(session: Session, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that a matching case fulfils."""
    found = [Case.search_text.contains(word, autoescape=True) for word in folded(wanted.words).split()]
    if wanted.unit_ids:
        units = units_under(session, wanted.unit_ids)
        if len(units) < session.scalars(sa.select(sa.func.count()).select_from(Unit)).one():
            found.append(Case.unit_id.in_(units))  # all units as a condition would cost the order of the index
    if wanted.statuses:
        column = _STATUS_OF_MANY if CaseStatus.CLOSED in wanted.statuses else Case.status
        found.append(column.in_([str(status) for status in wanted.statuses]))
    asked: tuple[tuple[sa.ColumnElement[Any], object], ...] = (
        (Case.category_id.expression, wanted.category_id),
        (Case.department_id.expression, wanted.department_id),
        (Case.assignee_id.expression, wanted.assignee_id),
        (Case.channel.expression, wanted.channel),
    )
    found += [column == value for column, value in asked if value is not None]
    if wanted.overdue_at is not None:
        found += [
            Case.status.in_([str(status) for status in OPEN]),
            Case.due_at < wanted.overdue_at,
            NOT_MERGED,
        ]
    return found
