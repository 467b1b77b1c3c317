import datetime
import threading
from datetime import timedelta

import pytest

from haichieu import jobs
from haichieu.database import Database, now
from haichieu.jobs import Claim, ClaimLost, JobState
from haichieu.locale import Message, message

pytestmark = pytest.mark.both_databases

LEASE = timedelta(seconds=60)
START = now()


def take(database: Database, at: datetime.datetime = START, most: int = 1) -> list[Claim]:
    with database.session() as session:
        return jobs.claim(session, ["transcribe"], at, LEASE, most)


def state(database: Database, subject: int = 1) -> tuple[str, Message | None]:
    with database.session() as session:
        job = jobs.find(session, "transcribe", subject)
        assert job is not None
        return job.state, job.problem


@pytest.fixture(autouse=True)
def _one_job(database: Database) -> None:
    with database.session() as session:
        jobs.add(session, "transcribe", 1, START)


def test_a_job_is_given_to_one_claimant(database: Database) -> None:
    assert [claim.subject_id for claim in take(database)] == [1]
    assert take(database) == []


def test_adding_what_is_there_changes_nothing(database: Database) -> None:
    take(database)
    with database.session() as session:
        jobs.add(session, "transcribe", 1, START)
    assert take(database) == []


def test_a_job_that_is_not_due_waits(database: Database) -> None:
    assert take(database, START - timedelta(seconds=1)) == []


def test_many_workers_do_a_hundred_jobs_once_each(database: Database) -> None:
    with database.session() as session:
        for subject in range(2, 101):
            jobs.add(session, "transcribe", subject, START)
    done: list[int] = []

    def work() -> None:
        while claims := take(database, now(), 3):
            for claim in claims:
                done.append(claim.subject_id)
                with database.session() as session:
                    jobs.done(session, claim, now())

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(done) == list(range(1, 101))


def test_a_dead_workers_job_moves_to_another_that_alone_may_settle_it(database: Database) -> None:
    [dead] = take(database)
    later = START + LEASE
    [alive] = take(database, later)
    with pytest.raises(ClaimLost), database.session() as session:
        jobs.done(session, dead, later)
    with database.session() as session:
        jobs.done(session, alive, later)
    assert state(database)[0] == JobState.DONE


def test_a_lease_that_is_extended_does_not_run_out(database: Database) -> None:
    [claim] = take(database)
    with database.session() as session:
        jobs.extend(session, claim, START + timedelta(seconds=50), LEASE)
    assert take(database, START + timedelta(seconds=70)) == []


def test_a_job_that_kills_three_workers_waits_for_a_person_and_says_so(database: Database) -> None:
    at = START
    for _ in range(jobs.MOST_ATTEMPTS):
        assert len(take(database, at)) == 1
        at += LEASE
    assert take(database, at) == []
    found, problem = state(database)
    assert found == JobState.FAILED
    assert problem == message("jobs.never_finished", count=3)
    with database.session() as session:
        jobs.renew(session, "transcribe", 1, at)
    assert len(take(database, at)) == 1


def test_a_postponed_job_returns_at_its_time_with_its_reason(database: Database) -> None:
    [claim] = take(database)
    later = START + timedelta(minutes=5)
    with database.session() as session:
        jobs.put_off(session, claim, later, Message.verbatim("the line was busy"))
    assert state(database) == (JobState.WAITING, Message.verbatim("the line was busy"))
    assert take(database, later - timedelta(seconds=1)) == []
    assert [again.attempts for again in take(database, later)] == [2]


def test_a_job_put_off_for_no_fault_of_its_own_has_not_been_tried(database: Database) -> None:
    [claim] = take(database)
    with database.session() as session:
        jobs.put_off(session, claim, START, Message.verbatim("night"), counts=False)
    assert [again.attempts for again in take(database)] == [1]


def test_the_next_due_time_is_that_of_the_first_job_or_expiring_lease(database: Database) -> None:
    with database.session() as session:
        assert jobs.next_due(session, ["transcribe"]) == START
        assert jobs.next_due(session, ["other"]) is None
    [claim] = take(database)
    with database.session() as session:
        assert jobs.next_due(session, ["transcribe"]) == START + LEASE
        jobs.fail(session, claim, START, Message.verbatim("no"))
    with database.session() as session:
        assert jobs.next_due(session, ["transcribe"]) is None
