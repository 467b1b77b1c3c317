"""A person's word on likely duplicates: these two are one, or they are not.

Messages stay in the case where they were said. A merged case waits for the answer of the one it was merged into:
`feedback.answers.replies.answer` gives it to the citizens of both. One that is reopened stands for itself again.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.cases import due_dates
from feedback.cases.lifecycle import OPEN, happen, note
from feedback.models import Case, CaseLink
from feedback.states import CaseEvent, CaseStatus
from haichieu.errors import HaiChieuError


class MergeRefused(HaiChieuError):
    """The two cases cannot be made one."""


def merge(session: Session, duplicate: Case, main: Case, actor: str, at: datetime.datetime) -> Case:
    """Make `duplicate`, and what was merged into it, wait for the answer of `main`; return the case that is answered.

    What is itself merged stands for the case it was merged into. Raises MergeRefused.
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
    """Let a merged case stand for itself again. Raises MergeRefused."""
    if case.duplicate_of_id is None:
        raise MergeRefused("case.merge.not_merged", number=case.number)
    main = session.get_one(Case, case.duplicate_of_id)
    case.duplicate_of_id, case.updated_at = None, at
    note(session, case, actor, "unmerged", at, before=main.number)


def dismiss(session: Session, case: Case, other: Case, actor: str, at: datetime.datetime) -> None:
    """Say that two cases are not about the same; they are not linked again. Raises MergeRefused when they are not."""
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
    """Close a case and those that were merged into it. Raises IllegalTransition."""
    happen(session, case, CaseEvent.CLOSE, actor, at)
    for merged in merged_into(session, case):
        if merged.status != CaseStatus.CLOSED:
            happen(session, merged, CaseEvent.CLOSE, actor, at)


def merged_into(session: Session, case: Case) -> list[Case]:
    """The cases that wait for this one's answer."""
    return list(session.scalars(sa.select(Case).where(Case.duplicate_of_id == case.id).order_by(Case.id)))
