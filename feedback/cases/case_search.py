"""Search of cases by words, with and without diacritics, and by their fields; counts of waiting work."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from feedback import job_kinds
from feedback.cases.case_lifecycle import OPEN
from feedback.cases.case_order import Order, Place, after, before, columns, place_of
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


@dataclass(frozen=True)
class Wanted:
    """Search criteria; omitted ones do not matter. `unit_ids` includes all units under them.

    A case of the citizen `or_citizen_id` needs none of the words.
    """

    words: str = ""
    unit_ids: Collection[int] = ()
    statuses: Collection[CaseStatus] = ()
    category_id: int | None = None
    department_id: int | None = None
    assignee_id: int | None = None
    channel: Channel | None = None
    overdue_at: datetime.datetime | None = None
    """Only cases that were due before this moment and are still unanswered."""
    not_merged: bool = False
    """Without the cases that wait for the answer of another one."""
    or_citizen_id: int | None = None


@dataclass(frozen=True)
class Page:
    """Cases in their order, and the start of the next page; None on the last one."""

    cases: list[Case]
    after: Place | None


@dataclass(frozen=True)
class Counts:
    """Counts of unanswered cases, of those assigned to an account, of overdue ones, and of all."""

    waiting: int
    mine: int
    overdue: int
    all: int


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


def find(
    session: Session, wanted: Wanted, start: Place | None = None, most: int = PAGE, order: Order = Order.NEWEST
) -> Page:
    """Return one page of cases. Every word must match; one with diacritics also matches text without them."""
    which = sa.select(Case.id).where(*conditions(session, wanted)).order_by(*columns(order)).limit(most + 1)
    if start is not None:
        which = which.where(after(start, order))
    # First the ids, which an index with the words has: most rows are not read.
    query = sa.select(Case).where(Case.id.in_(session.scalars(which).all())).order_by(*columns(order))
    query = query.options(joinedload(Case.unit), joinedload(Case.category), joinedload(Case.department))
    found = list(session.scalars(query))
    return Page(found[:most], place_of(found[most - 1], order) if len(found) > most else None)


def neighbours(session: Session, wanted: Wanted, order: Order, case: Case) -> tuple[str, str]:
    """Return the numbers of the cases before and after one, which need not match itself; "" where there is none."""
    place, such = place_of(case, order), conditions(session, wanted)
    queries = (
        sa.select(Case.number).where(*such, before(place, order)).order_by(*columns(order, backwards=True)),
        sa.select(Case.number).where(*such, after(place, order)).order_by(*columns(order)),
    )
    previous, following = (session.scalar(query.limit(1)) or "" for query in queries)
    return previous, following


def counts(session: Session, at: datetime.datetime, unit_ids: Collection[int], account_id: int) -> Counts:
    """Count the cases in these units and all under them, as an account sees them."""
    mine, late = sa.func.count().filter(Case.assignee_id == account_id), sa.func.count().filter(Case.due_at < at)
    still = conditions(session, Wanted(unit_ids=unit_ids, statuses=OPEN, not_merged=True))
    row = session.execute(sa.select(sa.func.count(), mine, late).select_from(Case).where(*still)).one()
    every = sa.select(sa.func.count()).select_from(Case).where(*conditions(session, Wanted(unit_ids=unit_ids)))
    return Counts(*row, session.scalars(every).one())


def waiting(session: Session, at: datetime.datetime, unit_ids: Collection[int] = ()) -> Waiting:
    """Count what waits in these units and all under them, or everywhere."""
    narrowed = conditions(session, Wanted(unit_ids=unit_ids, statuses=OPEN, not_merged=True))
    late = sa.func.count().filter(Case.due_at < at)
    still, overdue = session.execute(sa.select(sa.func.count(), late).select_from(Case).where(*narrowed)).one()
    spoken = sa.select(sa.func.count()).select_from(Job)
    spoken = spoken.where(Job.kind == job_kinds.TRANSCRIBE, Job.state.in_([JobState.WAITING, JobState.RUNNING]))
    if unit_ids:
        spoken = spoken.join(Message, Message.id == Job.subject_id).join(Case, Case.id == Message.case_id)
        spoken = spoken.where(*conditions(session, Wanted(unit_ids=unit_ids)))
    return Waiting(still, overdue, session.scalars(spoken).one())


def conditions(session: Session, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that a matching case fulfils."""
    words = [Case.search_text.contains(word, autoescape=True) for word in folded(wanted.words).split()]
    found = (
        words if wanted.or_citizen_id is None else [sa.or_(sa.and_(*words), Case.citizen_id == wanted.or_citizen_id)]
    )
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
        ]
    if wanted.not_merged or wanted.overdue_at is not None:
        found.append(NOT_MERGED)
    return found
