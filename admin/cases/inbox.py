"""Rows of the inbox with the first words of each case, in a fixed number of queries."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.cases.case_lifecycle import OPEN
from feedback.models import Case, Message, Transcript
from feedback.states import Direction
from haichieu.people import Account

SHOWN = 160
"""Number of characters of the first words."""


@dataclass(frozen=True)
class Row:
    """One case in the list; `doubtful` marks an uncertain transcript."""

    case: Case
    words: str
    doubtful: bool
    overdue: bool
    assignee: str


def rows(session: Session, cases: Sequence[Case], at: datetime.datetime) -> list[Row]:
    """Return the rows of a page."""
    first = _first_words(session, [case.id for case in cases])
    names = _names(session, {case.assignee_id for case in cases if case.assignee_id is not None})
    return [
        Row(
            case,
            *first.get(case.id, ("", False)),
            case.status in OPEN and case.duplicate_of_id is None and case.due_at is not None and case.due_at < at,
            names.get(case.assignee_id or 0, ""),
        )
        for case in cases
    ]


def _first_words(session: Session, case_ids: Sequence[int]) -> dict[int, tuple[str, bool]]:
    first = sa.select(sa.func.min(Message.id)).where(Message.case_id.in_(case_ids), Message.direction == Direction.IN)
    query = (
        sa.select(Message.case_id, Message.text, Transcript.text, Transcript.doubtful)
        .outerjoin(Transcript, Transcript.message_id == Message.id)
        .where(Message.id.in_(first.group_by(Message.case_id)))
    )
    return {
        case_id: (" ".join((written or heard or "").split())[:SHOWN], bool(doubtful))
        for case_id, written, heard, doubtful in session.execute(query)
    }


def _names(session: Session, account_ids: set[int]) -> dict[int, str]:
    found = session.execute(sa.select(Account.id, Account.name).where(Account.id.in_(account_ids)))
    return {account_id: name for account_id, name in found}
