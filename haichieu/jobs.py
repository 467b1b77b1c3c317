"""Leased job queue in the database: rows with a state, an attempt count and a lease, without a broker.

A job is added in the transaction that makes it necessary. A worker claims it for the length of a lease and settles it
with the claim's token. The lease of a worker that dies expires, and another worker claims the job. A slow worker whose
lease has expired gets `ClaimLost`, so no job is settled twice.

    waiting ── claim ──▶ running ── done ──▶ done
       ▲                    │ │
       └── put_off ─────────┘ └── fail ──▶ failed   (waits for a person, who may `renew` it)
"""

import datetime
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu.database import Base
from haichieu.errors import HaiChieuError
from haichieu.locale import Message, message
from haichieu.locale.column import MessageText

MOST_ATTEMPTS = 3
"""A job that was started this often and never settled is not started again: it may crash its workers."""


class ClaimLost(HaiChieuError):
    """The lease has expired and another worker has the job, or it is settled."""


class JobState(StrEnum):
    """States of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Base):
    """One job of a `kind` about the row `subject_id`; there is at most one of each.

    `attempts` counts the starts since it was last postponed on purpose; `problem` is why it was postponed or failed.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        sa.UniqueConstraint("kind", "subject_id", name="uq_jobs_kind_subject_id"),
        sa.CheckConstraint(sa.column("state").in_([str(state) for state in JobState]), name="state"),
        sa.Index("ix_jobs_state_due_at", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    subject_id: Mapped[int]
    state: Mapped[str] = mapped_column(sa.String(10), default=JobState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime.datetime]
    leased_until: Mapped[datetime.datetime | None]
    leased_by: Mapped[str] = mapped_column(sa.String(36), default="")
    problem: Mapped[Message | None] = mapped_column(MessageText, nullable=False)
    settled_at: Mapped[datetime.datetime | None]


@dataclass(frozen=True)
class Claim:
    """A claimed job; settling it takes the `token`."""

    job_id: int
    kind: str
    subject_id: int
    attempts: int
    token: str


def add(session: Session, kind: str, subject_id: int, due_at: datetime.datetime) -> Job:
    """Add a job that is due at `due_at`; an existing one stays unchanged."""
    job = find(session, kind, subject_id)
    if job is None:
        job = Job(kind=kind, subject_id=subject_id, due_at=due_at, state=JobState.WAITING, attempts=0)
        session.add(job)
        session.flush()
    return job


def find(session: Session, kind: str, subject_id: int) -> Job | None:
    """Return the job of a kind about a row, None when there is none."""
    return session.scalar(sa.select(Job).where(Job.kind == kind, Job.subject_id == subject_id))


def claim(
    session: Session,
    kinds: Sequence[str],
    at: datetime.datetime,
    lease: datetime.timedelta,
    most: int = 1,
    subjects: Sequence[int] | None = None,
    give_up: Callable[[Session, Job], None] | None = None,
) -> list[Claim]:
    """Claim up to `most` due jobs, the oldest first; no other worker gets them during the lease.

    With `subjects`, only jobs about these. A job that was started `MOST_ATTEMPTS` times and never settled fails, and
    `give_up` is called with it.
    """
    due = session.scalars(
        sa.select(Job)
        .where(
            Job.kind.in_(kinds),
            sa.or_(
                sa.and_(Job.state == JobState.WAITING, Job.due_at <= at),
                sa.and_(Job.state == JobState.RUNNING, Job.leased_until <= at),
            ),
            Job.subject_id.in_(subjects) if subjects is not None else sa.true(),
        )
        .order_by(Job.due_at, Job.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    claims = []
    for job in due:
        if job.attempts >= MOST_ATTEMPTS:
            _settle(job, JobState.FAILED, at)
            job.problem = job.problem or message("jobs.never_finished", count=job.attempts)
            if give_up is not None:
                give_up(session, job)
            continue
        job.state, job.attempts = JobState.RUNNING, job.attempts + 1
        job.leased_until, job.leased_by = at + lease, str(uuid.uuid4())
        claims.append(Claim(job.id, job.kind, job.subject_id, job.attempts, job.leased_by))
    return claims


def extend(session: Session, held: Claim, at: datetime.datetime, lease: datetime.timedelta) -> None:
    """Extend the lease of a claimed job. Raises ClaimLost."""
    _held(session, held).leased_until = at + lease


def done(session: Session, held: Claim, at: datetime.datetime) -> None:
    """Settle a job in the transaction that stores its result. Raises ClaimLost."""
    _settle(_held(session, held), JobState.DONE, at)


def put_off(
    session: Session, held: Claim, due_at: datetime.datetime, problem: Message | None, *, counts: bool = True
) -> None:
    """Postpone a job to `due_at`; unless it `counts`, this attempt is not counted. Raises ClaimLost."""
    job = _held(session, held)
    job.state, job.due_at, job.problem = JobState.WAITING, due_at, problem
    job.leased_until, job.leased_by = None, ""
    if not counts:
        job.attempts = max(job.attempts - 1, 0)


def fail(session: Session, held: Claim, at: datetime.datetime, problem: Message) -> None:
    """Mark a job as failed: it waits for a person. Raises ClaimLost."""
    job = _held(session, held)
    _settle(job, JobState.FAILED, at)
    job.problem = problem


def renew(session: Session, kind: str, subject_id: int, due_at: datetime.datetime) -> Job:
    """Restart a job on a person's request, adding it if necessary."""
    job = add(session, kind, subject_id, due_at)
    if job.state != JobState.RUNNING:
        job.state, job.attempts, job.due_at, job.problem, job.settled_at = JobState.WAITING, 0, due_at, None, None
    return job


def next_due(session: Session, kinds: Sequence[str]) -> datetime.datetime | None:
    """Return when the next job is due or the next lease expires; None when no job is open."""
    moment = sa.case((Job.state == JobState.WAITING, Job.due_at), else_=Job.leased_until)
    query = sa.select(sa.func.min(moment, type_=Job.due_at.type)).where(
        Job.kind.in_(kinds), Job.state.in_([JobState.WAITING, JobState.RUNNING])
    )
    earliest: datetime.datetime | None = session.scalar(query)
    return earliest


def _held(session: Session, held: Claim) -> Job:
    job = session.get(Job, held.job_id, populate_existing=True, with_for_update=True)
    if job is None or job.state != JobState.RUNNING or job.leased_by != held.token:
        raise ClaimLost("jobs.claim_lost", kind=held.kind, subject=held.subject_id)
    return job


def _settle(job: Job, state: JobState, at: datetime.datetime) -> None:
    job.state, job.settled_at, job.leased_until, job.leased_by = state, at, None, ""
