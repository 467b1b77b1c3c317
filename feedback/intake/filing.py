"""Filing: suggests category, unit, due date and duplicates from a message, unless a person has chosen.

Each message is filed in one transaction; filing it again changes nothing.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.cases import assignment, case_search, duplicates, suggestions
from feedback.models import Case, Category, Message, Transcript
from feedback.states import CaseStatus, Direction
from haichieu import jobs
from haichieu.database import now
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim
from haichieu.people import Unit, units_under
from haichieu.units.former_names import former_names

LEASE = datetime.timedelta(minutes=2)
UNTOUCHED = (CaseStatus.NEW, CaseStatus.TRANSCRIBED)
"""States in which no person works on the case, so that suggestions may still follow the citizen's words."""


def file_message(session: Session, message: Message, at: datetime.datetime) -> None:
    """File a citizen's message: search text, category, unit, due date and likely duplicates of its case."""
    case = session.get_one(Case, message.case_id, populate_existing=True, with_for_update=True)
    case_search.index(session, case)
    said = _said(session, case)
    if _category_is_open(case):
        categories = list(session.scalars(sa.select(Category).order_by(Category.code)))
        category = suggestions.category_for(said, categories)
        if category is not None and category.because != case.category_by:
            assignment.categorise(session, case, category.category, category.because, "system", at)
    if _unit_is_open(case):
        below = units_under(session, [case.unit_id]) - {case.unit_id}
        live = sa.select(Unit).where(Unit.id.in_(below), Unit.retired_at.is_(None)).order_by(Unit.id)
        units = list(session.scalars(live))
        unit = suggestions.unit_for(said, case.unit, units, former_names(session, {case.unit_id, *below}))
        if unit is not None:
            assignment.place(session, case, unit.unit, unit.because, "system", at)
    duplicates.link(session, case)


def _category_is_open(case: Case) -> bool:
    """Return whether the category is a suggestion or "not sure", and no person works on the case yet."""
    by = case.category_by
    guessed = suggestions.without_words(by) == suggestions.KEYWORDS
    unsure = case.category is None and not by.startswith(("account:", "official:"))
    return case.status in UNTOUCHED and (guessed or unsure)


def _unit_is_open(case: Case) -> bool:
    """Return whether the unit came with the number dialled or is a suggestion, and no person works on the case yet."""
    return case.status in UNTOUCHED and (suggestions.without_words(case.unit_by) in ("", "number", suggestions.PLACE))


def _said(session: Session, case: Case) -> str:
    """Return the citizen's words, written and spoken."""
    rows = session.execute(
        sa.select(Message.text, Transcript.text)
        .outerjoin(Transcript, Transcript.message_id == Message.id)
        .where(Message.case_id == case.id, Message.direction == Direction.IN)
        .order_by(Message.id)
    )
    return "\n".join(text for row in rows for text in row if text)


class FilingJobs(JobRunner):
    """Files the messages that are waiting for it."""

    kinds = (job_kinds.FILE,)
    lease = LEASE
    # One at a time, as `at_once` is by default: two messages filed at once would not see each other as duplicates.

    async def handle(self, claim: Claim) -> None:
        """File one message."""

        def work(session: Session) -> None:
            jobs.done(session, claim, now())
            message = session.get(Message, claim.subject_id)
            if message is not None:
                file_message(session, message, now())

        await self._database.run(work)
