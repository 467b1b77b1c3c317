"""Merging of likely duplicates, on a person's decision.

Messages stay in their case. A merged case waits for the answer of its main case: `feedback.answers.replies.answer`
delivers it to the citizens of both. A merged case that is reopened is separate again.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.cases import due_dates
from feedback.cases.case_lifecycle import OPEN, happen, note
from feedback.models import Case, CaseLink
from feedback.states import CaseEvent, CaseStatus
from haichieu.errors import HaiChieuError


class MergeRefused(HaiChieuError):
    """The two cases cannot be merged."""


def merge(session: Session, duplicate: Case, main: Case, actor: str, at: datetime.datetime) -> Case:
    """Merge `duplicate`, and what was merged into it, into `main`; return the case that will be answered.

    A main case that was merged itself is replaced by its own main case. Raises MergeRefused.
    """
    while main.duplicate_of_id is not None:
        main = session.get_one(Case, main.duplicate_of_id)
    if main.id == duplicate.id:
        raise MergeRefused("case.merge.itself", number=duplicate.number)
    if duplicate.duplicate_of_id is not None:
        raise MergeRefused("case.merge.already", number=duplicate.number)
    if main.status not in OPEN:
        raise MergeRefused("case.merge.answered", main=main.number, number=duplicate.number)
    for case in (duplicate, *merged_into(session, duplicate)):
        case.duplicate_of_id, case.updated_at = main.id, at
        due_dates.settle(session, case)
        note(session, case, actor, "merged", at, after=main.number)
    note(session, main, actor, "took_in", at, after=duplicate.number)
    return main


def unmerge(session: Session, case: Case, actor: str, at: datetime.datetime) -> None:
    """Separate a merged case again. Raises MergeRefused."""
    if case.duplicate_of_id is None:
        raise MergeRefused("case.merge.not_merged", number=case.number)
    main = session.get_one(Case, case.duplicate_of_id)
    case.duplicate_of_id, case.updated_at = None, at
    note(session, case, actor, "unmerged", at, before=main.number)


def dismiss(session: Session, case: Case, other: Case, actor: str, at: datetime.datetime) -> None:
    """Dismiss a link between two cases; they are not linked again. Raises MergeRefused when they are not linked."""
    found = session.scalar(
        sa.select(CaseLink).where(
            sa.or_(
                sa.and_(CaseLink.case_id == case.id, CaseLink.other_id == other.id),
                sa.and_(CaseLink.case_id == other.id, CaseLink.other_id == case.id),
            )
        )
    )
    if found is None:
        raise MergeRefused("case.merge.not_linked", number=case.number, other=other.number)
    found.dismissed = True
    note(session, case, actor, "not_duplicate", at, before=other.number)


def close(session: Session, case: Case, actor: str, at: datetime.datetime) -> None:
    """Close a case and those merged into it. Raises IllegalTransition."""
    happen(session, case, CaseEvent.CLOSE, actor, at)
    for merged in merged_into(session, case):
        if merged.status != CaseStatus.CLOSED:
            happen(session, merged, CaseEvent.CLOSE, actor, at)


def merged_into(session: Session, case: Case) -> list[Case]:
    """Return the cases that wait for this one's answer."""
    return list(session.scalars(sa.select(Case).where(Case.duplicate_of_id == case.id).order_by(Case.id)))
