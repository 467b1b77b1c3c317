"""Answers taken off the air: their programmes are withdrawn after the consent was withdrawn or the case was erased."""

import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.models import Reply
from haichieu import jobs
from haichieu.database import Database, now
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim


class WithdrawsProgrammes(Protocol):
    """Withdraws programmes; implemented where broadcasts are known."""

    def withdraw(self, session: Session, programme_id: int, at: datetime.datetime) -> None:
        """Withdraw a programme and stop what plays it; nothing happens to one that is withdrawn already."""
        ...


class AnswersOffAir(JobRunner):
    """Withdraws the programmes of answers, in the worker."""

    kinds = (job_kinds.TAKE_OFF_AIR,)
    lease = datetime.timedelta(minutes=2)

    def __init__(self, database: Database, programmes: WithdrawsProgrammes) -> None:
        super().__init__(database)
        self._programmes = programmes

    async def handle(self, claim: Claim) -> None:
        """Withdraw the programme of one answer."""
        await self._database.run(lambda session: self._withdraw(session, claim))

    def _withdraw(self, session: Session, claim: Claim) -> None:
        reply = session.get(Reply, claim.subject_id)
        if reply is not None and reply.programme_id is not None:
            self._programmes.withdraw(session, reply.programme_id, now())
        jobs.done(session, claim, now())
