"""Answers by call, as rules over rows: who is called when, with which answers, and the result.

A citizen gets one call for all waiting answers, never two calls at once, and only within the station's reply hours. The
lease of an attempt is longer than a minute, so that after a crash of the switchboard no phone rings again sooner.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.answers import replies
from feedback.answers.reply_hours import next_polite_moment
from feedback.cases.case_lifecycle import note
from feedback.models import Case, Message, Reply
from feedback.states import ReplyEvent, ReplyState, Way
from haichieu import jobs, locale
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.jobs import Job, JobState
from haichieu.set_aside import or_set_aside
from haichieu.station import the_station

KINDS = (job_kinds.ANSWER_CALL,)
LEASE = datetime.timedelta(seconds=90)
WORTH_DELIVERING = datetime.timedelta(days=2)
"""An answer that could not be delivered for this long after it was given is given up."""
MOST_ANSWERS = 10
"""Answers per call."""
ENOUGH = 0.9
"""An answer counts as heard when this share of it was played."""
BEFORE_ANOTHER = datetime.timedelta(minutes=1)
"""Minimum time between two calls to one citizen."""

CITIZEN_ERASED = locale.message("answer.problem.citizen_erased")
INTERRUPTED = locale.message("answer.problem.interrupted")
OUTSIDE_HOURS = locale.message("answer.problem.outside_hours")
ALREADY_RINGING = locale.message("answer.problem.already_ringing")


@dataclass(frozen=True)
class AnswerToPlay:
    """One answer of a call. `opened_at` is when its case was opened."""

    held: jobs.Claim
    reply_id: int
    message_id: int
    case_id: int
    unit_id: int
    opened_at: datetime.datetime


@dataclass(frozen=True)
class PendingAnswers:
    """A call to one citizen with the waiting answers, oldest first. The number is encrypted (`CitizenBook`)."""

    citizen_id: int
    number_locked: str = field(repr=False)
    language: str
    answers: tuple[AnswerToPlay, ...]


def claim(session: Session, at: datetime.datetime, most: int) -> list[PendingAnswers]:
    """Claim up to `most` citizens who are to be called now."""
    _fail_what_died(session, at)
    claims = jobs.claim(session, KINDS, at, LEASE, most)
    opens = next_polite_moment(the_station(session), at)
    pending: dict[int, list[tuple[jobs.Claim, Reply]]] = {}
    besides = [held.subject_id for held in claims]
    for held in claims:
        found = or_set_aside(
            session,
            f"reply:{held.subject_id}",
            partial(_to_call, session, held, besides, opens, at),
            partial(_fail_faulty, session, [held], at),
        )
        if found is not None:
            pending.setdefault(found[0], []).append((held, found[1]))
    calls = [
        or_set_aside(
            session,
            f"citizen:{citizen_id}",
            partial(_pending, session, citizen_id, together, at),
            partial(_fail_faulty, session, [held for held, _ in together], at),
        )
        for citizen_id, together in pending.items()
    ]
    return [call for call in calls if call is not None]


def _to_call(
    session: Session, held: jobs.Claim, besides: Sequence[int], opens: datetime.datetime, at: datetime.datetime
) -> tuple[int, Reply] | None:
    """Return the citizen to call now about a claimed answer; None after settling it otherwise."""
    reply = session.get(Reply, held.subject_id)
    if reply is None or reply.state not in (ReplyState.WAITING, ReplyState.UNDER_WAY):
        jobs.done(session, held, at)
    elif (citizen := reply.message.case.citizen) is None:
        _fail(session, held, reply, CITIZEN_ERASED, at)
    elif opens > at:
        jobs.put_off(session, held, opens, OUTSIDE_HOURS, counts=False)
    elif _is_rung(session, citizen.id, besides, at):
        jobs.put_off(session, held, at + BEFORE_ANOTHER, ALREADY_RINGING, counts=False)
    else:
        return citizen.id, reply
    return None


def _fail_faulty(session: Session, claims: Sequence[jobs.Claim], at: datetime.datetime) -> None:
    """Set jobs aside whose rows cannot be handled, with an alarm each."""
    for held in claims:
        problem = locale.message("jobs.faulty")
        jobs.fail(session, held, at, problem)
        raise_alarm(session, AlarmKind.JOB_FAILED, f"{held.kind}:{held.subject_id}", problem)


def next_due(session: Session) -> datetime.datetime | None:
    return jobs.next_due(session, KINDS)


def extend(session: Session, pending: PendingAnswers, at: datetime.datetime) -> None:
    """Extend the lease of the answers of a running call, except those that are settled already."""
    for answer in pending.answers:
        if session.get_one(Reply, answer.reply_id).state == ReplyState.UNDER_WAY:
            jobs.extend(session, answer.held, at, LEASE)


def heard(session: Session, answer: AnswerToPlay, seconds: float, at: datetime.datetime) -> None:
    """Record that the citizen has heard the answer. Raises ClaimLost."""
    reply = session.get_one(Reply, answer.reply_id)
    if reply.state == ReplyState.HEARD:
        reply.seconds_heard = max(reply.seconds_heard or 0.0, seconds)
        return
    jobs.done(session, answer.held, at)
    replies.advance(session, reply, ReplyEvent.HEAR, at)
    reply.seconds_heard = seconds
    note(session, reply.message.case, "system", "answer_heard", at, after=f"{seconds:.0f} s")


def not_heard(
    session: Session,
    answer: AnswerToPlay,
    because: locale.Message,
    at: datetime.datetime,
    pauses: Sequence[datetime.timedelta],
) -> None:
    """Record a failed attempt: retry after the next pause, or give up. Does nothing for an answer that was heard.

    Raises ClaimLost.
    """
    reply = session.get_one(Reply, answer.reply_id)
    if reply.state != ReplyState.UNDER_WAY:
        return
    if reply.attempts <= len(pauses):
        again = next_polite_moment(the_station(session), at + pauses[reply.attempts - 1])
        if again < reply.created_at + WORTH_DELIVERING:
            jobs.put_off(session, answer.held, again, because, counts=False)
            replies.advance(session, reply, ReplyEvent.PUT_OFF, at, because)
            return
    _fail(session, answer.held, reply, because, at)


def failed(session: Session, answer: AnswerToPlay, because: locale.Message, at: datetime.datetime) -> None:
    """Give up an answer that can never be played, with an alarm. Raises ClaimLost."""
    _fail(session, answer.held, session.get_one(Reply, answer.reply_id), because, at)


def _pending(
    session: Session, citizen_id: int, together: list[tuple[jobs.Claim, Reply]], at: datetime.datetime
) -> PendingAnswers:
    together = sorted(together + _also_waiting(session, citizen_id, at), key=lambda pair: pair[1].id)
    answers = []
    for held, reply in together:
        replies.advance(session, reply, ReplyEvent.BEGIN, at)
        reply.attempts += 1
        case = reply.message.case
        answers.append(AnswerToPlay(held, reply.id, reply.message_id, case.id, case.unit_id, case.opened_at))
    citizen = together[0][1].message.case.citizen
    assert citizen is not None  # noqa: S101 (claim has seen to it)
    language = citizen.language or together[0][1].message.case.language
    return PendingAnswers(citizen_id, citizen.number_locked, language, tuple(answers))


def _also_waiting(session: Session, citizen_id: int, at: datetime.datetime) -> list[tuple[jobs.Claim, Reply]]:
    """Claim everything else that waits for the same citizen, so that the phone rings once for all of it.

    A job that was never due yet belongs to an answer that its author may still take back.
    """
    was_due = sa.or_(Job.due_at <= at, sa.type_coerce(Job.problem, sa.Text) != "")
    query = _replies_to(citizen_id).where(Job.state == JobState.WAITING, was_due).limit(MOST_ANSWERS)
    waiting = session.scalars(query).all()
    subjects = [reply.id for reply in waiting]
    session.execute(
        sa.update(Job)
        .where(Job.kind.in_(KINDS), Job.subject_id.in_(subjects), Job.state == JobState.WAITING)
        .values(due_at=at)
    )
    claims = jobs.claim(session, KINDS, at, LEASE, MOST_ANSWERS, subjects)
    return [(held, session.get_one(Reply, held.subject_id)) for held in claims]


def _is_rung(session: Session, citizen_id: int, besides: Sequence[int], at: datetime.datetime) -> bool:
    running = _replies_to(citizen_id).where(Job.state == JobState.RUNNING, Job.leased_until > at)
    return session.scalar(running.where(Reply.id.not_in(besides)).limit(1)) is not None


def _replies_to(citizen_id: int) -> sa.Select[Reply]:
    return (
        sa.select(Reply)
        .join(Job, sa.and_(Job.subject_id == Reply.id, Job.kind.in_(KINDS)))
        .join(Message, Message.id == Reply.message_id)
        .join(Case, Case.id == Message.case_id)
        .where(Case.citizen_id == citizen_id, Reply.state.in_([ReplyState.WAITING, ReplyState.UNDER_WAY]))
        .order_by(Reply.id)
    )


def _fail_what_died(session: Session, at: datetime.datetime) -> None:
    """Mark the answers as failed whose jobs were given up because their claimants kept dying."""
    dead = (
        sa.select(Reply)
        .join(Job, sa.and_(Job.subject_id == Reply.id, Job.kind.in_(KINDS)))
        .where(Job.state == JobState.FAILED, Reply.way == Way.CALL, Reply.state == ReplyState.UNDER_WAY)
    )
    for reply in session.scalars(dead):
        _failed(session, reply, INTERRUPTED, at)


def _fail(session: Session, held: jobs.Claim, reply: Reply, because: locale.Message, at: datetime.datetime) -> None:
    jobs.fail(session, held, at, because)
    _failed(session, reply, because, at)


def _failed(session: Session, reply: Reply, because: locale.Message, at: datetime.datetime) -> None:
    replies.advance(session, reply, ReplyEvent.FAIL, at, because)
    case = reply.message.case
    note(session, case, "system", "answer_not_heard", at, after=because)
    problem = locale.message("answer.alarm.not_heard", because=because)
    raise_alarm(session, AlarmKind.ANSWER_FAILED, f"case:{case.number}", problem)
