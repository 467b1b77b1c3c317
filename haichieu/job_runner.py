"""Job runner: the work runner for leased jobs."""

import asyncio
import datetime
from collections.abc import Sequence
from typing import ClassVar

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from haichieu import jobs
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import now
from haichieu.jobs import Claim, ClaimLost, Job
from haichieu.locale import Message, message
from haichieu.work_runner import WorkRunner

log = structlog.get_logger()


class JobRunner(WorkRunner[Claim]):
    """Claims the jobs of its `kinds` and passes each to `handle`; several runners may work at once.

    The lease is extended while a job is handled. After an error in `handle` the job is tried again after `retry_after`,
    at most `jobs.MOST_ATTEMPTS` times in total; then it fails and an alarm is raised. A cancelled job is released
    without counting the attempt.

    `handle` settles the job (`jobs.done`, `put_off` or `fail`) and raises ClaimLost when another has it now. When
    cancelled, it must not return before its threads end (`in_thread`): the job is released at once.
    """

    kinds: ClassVar[Sequence[str]]
    lease: ClassVar[datetime.timedelta]
    retry_after: ClassVar[datetime.timedelta] = datetime.timedelta(seconds=30)

    def claim(self, session: Session, most: int) -> list[Claim]:
        """Claim the jobs to handle next."""
        return jobs.claim(session, self.kinds, now(), self.lease, most, give_up=self.give_up)

    def give_up(self, session: Session, job: Job) -> None:
        """Raise an alarm for a job that has failed for good: it is set aside, and the others go ahead."""
        problem = job.problem or message("jobs.never_finished", count=job.attempts)
        raise_alarm(session, AlarmKind.JOB_FAILED, f"{job.kind}:{job.subject_id}", problem)

    async def next_due(self) -> datetime.datetime | None:
        """Return when there is something to claim; None when nothing is waiting."""
        return await self._database.look(lambda session: jobs.next_due(session, self.kinds))

    async def failed(self, work: Claim, problem: Exception) -> None:
        """Put the job off, unless another has it by now."""
        about = {"kind": work.kind, "subject": work.subject_id}
        if isinstance(problem, ClaimLost):
            log.info("job.taken_over", **about)
            return
        log.error("job.failed", attempt=work.attempts, exc_info=problem, **about)
        await self._give_back(work, now() + self.retry_after, Message.verbatim(type(problem).__name__))

    async def cancelled(self, work: Claim) -> None:
        """Release the job without counting the attempt."""
        await self._give_back(work, now(), None, counts=False)

    async def hold(self, work: Claim) -> None:
        """Extend the lease until cancelled, or until another has the job."""
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            try:
                await self._database.run(lambda session: jobs.extend(session, work, now(), self.lease))
            except ClaimLost:
                return

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
