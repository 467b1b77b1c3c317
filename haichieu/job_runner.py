"""Job runner: one loop, one lease keeper and one error policy for every kind of leased job."""

import asyncio
import datetime
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from haichieu import jobs
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.background import kept_going
from haichieu.changes import AWAY_SECONDS, hours
from haichieu.database import Database, now
from haichieu.errors import shown
from haichieu.jobs import Claim, ClaimLost, Job
from haichieu.locale import Message, message

log = structlog.get_logger()


class JobRunner(ABC):
    """Claims the jobs of its `kinds` and passes each to `handle`; several runners may work at once.

    The lease is extended while a job is handled. After an error in `handle` the job is tried again after `retry_after`,
    at most `jobs.MOST_ATTEMPTS` times in total; then it fails and an alarm is raised. A cancelled job is released
    without counting the attempt.
    """

    kinds: ClassVar[Sequence[str]]
    lease: ClassVar[datetime.timedelta]
    at_once: ClassVar[int] = 1
    """Number of jobs that are claimed and handled concurrently."""
    retry_after: ClassVar[datetime.timedelta] = datetime.timedelta(seconds=30)

    def __init__(self, database: Database) -> None:
        self._database = database

    @abstractmethod
    async def handle(self, claim: Claim) -> None:
        """Do one job and settle it (`jobs.done`, `put_off` or `fail`). Raises ClaimLost when another has it now.

        When cancelled, it must not return before its threads end (`in_thread`): the job is released at once.
        """

    def claim(self, session: Session) -> list[Claim]:
        """Claim the jobs to handle next."""
        return jobs.claim(session, self.kinds, now(), self.lease, self.at_once, give_up=self.give_up)

    def give_up(self, session: Session, job: Job) -> None:
        """Raise an alarm for a job that has failed for good: it is set aside, and the others go ahead."""
        problem = job.problem or message("jobs.never_finished", count=job.attempts)
        raise_alarm(session, AlarmKind.JOB_FAILED, f"{job.kind}:{job.subject_id}", problem)

    async def next_due(self) -> datetime.datetime | None:
        """Return when there is something to claim; None when nothing is waiting."""
        return await self._database.look(lambda session: jobs.next_due(session, self.kinds))

    async def ready(self) -> None:  # noqa: B027 (a hook: most kinds of work can always be done)
        """Wait until jobs can be handled at all."""

    async def run(self) -> None:
        """Work until cancelled."""
        async for _ in hours(self._database, self.next_due):
            try:
                while await self._next_step():
                    pass
            except sa.exc.DBAPIError as problem:
                log.warning("jobs.database_away", kinds=self.kinds, problem=shown(problem))
                await asyncio.sleep(AWAY_SECONDS)

    async def step(self) -> int:
        """Handle the jobs that are due, at most `at_once`; return how many that were."""
        claims = await self._database.run(self.claim)
        async with asyncio.TaskGroup() as group:
            for claim in claims:
                group.create_task(self._attempt(claim))
        return len(claims)

    async def _next_step(self) -> int:
        await self.ready()
        return await self.step()

    async def _attempt(self, claim: Claim) -> None:
        about = {"kind": claim.kind, "subject": claim.subject_id}
        try:
            async with kept_going(lambda: self._extend(claim)):
                await self.handle(claim)
        except ClaimLost:
            log.info("job.taken_over", **about)
        except asyncio.CancelledError:
            await self._give_back(claim, now(), None, counts=False)
            raise
        except Exception as problem:
            log.exception("job.failed", attempt=claim.attempts, **about)
            await self._give_back(claim, now() + self.retry_after, Message.verbatim(type(problem).__name__))

    async def _give_back(
        self, claim: Claim, due_at: datetime.datetime, problem: Message | None, *, counts: bool = True
    ) -> None:
        """Put the job off; when even that cannot be written, its lease runs out."""
        try:
            await self._database.run(lambda session: jobs.put_off(session, claim, due_at, problem, counts=counts))
        except ClaimLost:
            pass  # `handle` has settled it, or another has it by now
        except sa.exc.DBAPIError as refusal:
            log.warning("job.not_given_back", kind=claim.kind, subject=claim.subject_id, problem=type(refusal).__name__)

    async def _extend(self, claim: Claim) -> None:
        """Extend the lease until cancelled, or until another has the job."""
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            try:
                await self._database.run(lambda session: jobs.extend(session, claim, now(), self.lease))
            except ClaimLost:
                return
