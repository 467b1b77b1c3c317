"""Filing: what a message says decides, where no person has, what its case is about, where, and what it resembles.

Each message's job is done in one transaction, and doing it again changes nothing.
"""

import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.cases import assignment, case_search, duplicates, suggestions
from feedback.models import Case, Category, Message, Transcript
from feedback.states import CaseStatus, Direction
from haichieu import jobs
from haichieu.changes import hours
from haichieu.database import Database, now
from haichieu.jobs import Claim, ClaimLost
from haichieu.people import Unit, units_under

log = structlog.get_logger()

LEASE = datetime.timedelta(minutes=2)
TRIED_AGAIN_AFTER = datetime.timedelta(seconds=30)
AT_ONCE = 20
UNTOUCHED = (CaseStatus.NEW, CaseStatus.TRANSCRIBED)
"""Nobody works on the case yet: a guess may still follow what the citizen adds."""


def file_message(session: Session, message: Message, at: datetime.datetime) -> None:
    """File what a citizen said: search text, category, unit, due date and likely duplicates of its case."""
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
        units = list(session.scalars(sa.select(Unit).where(Unit.id.in_(below)).order_by(Unit.id)))
        unit = suggestions.unit_for(said, case.unit, units)
        if unit is not None:
            assignment.place(session, case, unit.unit, unit.because, "system", at)
    duplicates.link(session, case)


def _category_is_open(case: Case) -> bool:
    """Say whether category is a guess, or "not sure", and nobody works on the case yet."""
    by = case.category_by
    guessed = by.startswith("keywords:")
    unsure = case.category is None and not by.startswith(("account:", "official:"))
    return case.status in UNTOUCHED and (guessed or unsure)


def _unit_is_open(case: Case) -> bool:
    """Say whether unit came with the number dialled, or is a guess, and nobody works on the case yet."""
    return case.status in UNTOUCHED and (case.unit_by in ("", "number") or case.unit_by.startswith("place:"))


def _said(session: Session, case: Case) -> str:
    """The citizen's words, written and spoken."""
    rows = session.execute(
        sa.select(Message.text, Transcript.text)
        .outerjoin(Transcript, Transcript.message_id == Message.id)
        .where(Message.case_id == case.id, Message.direction == Direction.IN)
        .order_by(Message.id)
    )
    return "\n".join(text for row in rows for text in row if text)


class FilingDesk:
    """Works through the messages that are to be filed; several desks may run at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Work until cancelled."""
        async for _ in hours(self._database, self._next_due):
            try:
                while await self.step():
                    pass
            except sa.exc.DBAPIError as problem:
                log.warning("filing.blind", problem=str(problem.orig))

    async def step(self) -> int:
        """File what is due; return how many messages that were."""
        claims = await self._database.run(lambda session: jobs.claim(session, [job_kinds.FILE], now(), LEASE, AT_ONCE))
        for claim in claims:
            await self._file(claim)
        return len(claims)

    async def _next_due(self) -> datetime.datetime | None:
        return await self._database.look(lambda session: jobs.next_due(session, [job_kinds.FILE]))

    async def _file(self, claim: Claim) -> None:
        def work(session: Session) -> None:
            jobs.done(session, claim, now())
            message = session.get(Message, claim.subject_id)
            if message is not None:
                file_message(session, message, now())

        try:
            await self._database.run(work)
        except ClaimLost:
            log.info("filing.taken_over", message=claim.subject_id)
        except Exception as problem:  # one message that cannot be filed must not keep the others waiting
            log.exception("filing.failed", message=claim.subject_id)
            why = f"{type(problem).__name__}"
            await self._database.run(lambda session: jobs.put_off(session, claim, now() + TRIED_AGAIN_AFTER, why))
