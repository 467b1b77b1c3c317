"""The job runner: one error policy, leases that are extended, jobs that are given back."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from haichieu import jobs
from haichieu.alarms import open_alarms
from haichieu.changes import changes
from haichieu.database import Database, now
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim, ClaimLost, Job

pytestmark = pytest.mark.both_databases

KIND = "test"
DEADLINE_SECONDS = 10.0


class Runner(JobRunner):
    """Hands each job to a function of the test."""

    kinds = (KIND,)
    lease = datetime.timedelta(seconds=0.6)
    at_once = 2

    def __init__(self, database: Database, work: Callable[[Claim], Awaitable[None]]) -> None:
        super().__init__(database)
        self._work = work

    async def handle(self, claim: Claim) -> None:
        await self._work(claim)


@pytest.fixture
def job(database: Database) -> Database:
    with database.session() as session:
        jobs.add(session, KIND, 1, now())
    return database


def found(database: Database) -> Job:
    with database.session() as session:
        return session.scalars(sa.select(Job).where(Job.subject_id == 1)).one()


async def test_a_job_that_fails_is_tried_again_later(job: Database) -> None:
    async def work(claim: Claim) -> None:
        raise ZeroDivisionError

    before = now()
    assert await Runner(job, work).step() == 1
    assert (found(job).state, found(job).attempts) == ("waiting", 1)
    assert found(job).due_at > before + Runner.retry_after / 2


async def test_one_failing_job_does_not_stop_the_others(job: Database) -> None:
    async def work(claim: Claim) -> None:
        if claim.subject_id == 1:
            raise ZeroDivisionError
        await job.run(lambda session: jobs.done(session, claim, now()))

    with job.session() as session:
        jobs.add(session, KIND, 2, now())
    assert await Runner(job, work).step() == 2
    with job.session() as session:
        states = session.execute(sa.select(Job.subject_id, Job.state).order_by(Job.subject_id)).all()
    assert [tuple(row) for row in states] == [(1, "waiting"), (2, "done")]


async def test_a_cancelled_job_is_given_back_uncounted(job: Database) -> None:
    begun = asyncio.Event()

    async def work(claim: Claim) -> None:
        begun.set()
        await asyncio.Event().wait()

    step = asyncio.create_task(Runner(job, work).step())
    await asyncio.wait_for(begun.wait(), DEADLINE_SECONDS)
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    assert (found(job).state, found(job).attempts) == ("waiting", 0)


async def test_the_lease_is_extended_while_a_job_is_handled(job: Database) -> None:
    async def work(claim: Claim) -> None:
        first = found(job).leased_until
        async with asyncio.timeout(DEADLINE_SECONDS):
            async for _ in changes(job):
                if found(job).leased_until != first:
                    break
        await job.run(lambda session: jobs.done(session, claim, now()))

    await Runner(job, work).step()
    assert found(job).state == "done"


async def test_a_job_that_another_took_over_is_left_to_it(job: Database) -> None:
    async def work(claim: Claim) -> None:
        raise ClaimLost("base.job.claim_lost", kind=claim.kind, subject=str(claim.subject_id))

    await Runner(job, work).step()
    assert found(job).state == "running"


async def test_run_waits_for_the_next_job(job: Database) -> None:
    done: asyncio.Queue[int] = asyncio.Queue()

    async def work(claim: Claim) -> None:
        await job.run(lambda session: jobs.done(session, claim, now()))
        done.put_nowait(claim.subject_id)

    running = asyncio.create_task(Runner(job, work).run())
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await done.get() == 1
        await job.run(lambda session: jobs.add(session, KIND, 2, now()))
        assert await done.get() == 2
    running.cancel()


async def test_a_job_that_keeps_failing_is_set_aside_with_an_alarm(job: Database) -> None:
    async def work(claim: Claim) -> None:
        raise ZeroDivisionError

    for _ in range(jobs.MOST_ATTEMPTS):
        await Runner(job, work).step()
        with job.session() as session:
            session.execute(sa.update(Job).values(due_at=now()))
    assert await Runner(job, work).step() == 0
    assert found(job).state == "failed"
    with job.session() as session:
        assert [(alarm.kind, alarm.subject) for alarm in open_alarms(session)] == [("job_failed", f"{KIND}:1")]
