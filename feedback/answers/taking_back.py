"""Taking back an answer while none of it has left the station: the case is again as it was before."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from feedback import job_kinds
from feedback.answers.replies import Answer
from feedback.cases.case_lifecycle import note
from feedback.models import Case, CaseChange, Message, Reply
from feedback.states import CaseEvent, CaseStatus, Direction, ReplyState, Way
from haichieu.errors import HaiChieuError
from haichieu.jobs import Job, JobState

_STATES = [str(event) for event in CaseEvent]


class TooLateToTakeBack(HaiChieuError):
    """A delivery of the answer has begun, or the case has changed since."""

    def __init__(self) -> None:
        super().__init__("answer.too_late_to_take_back")


def is_still_here(message: Message) -> bool:
    """Return whether a message is a written answer of which nothing has left."""
    return (
        message.direction == Direction.OUT
        and message.sound_id is None
        and bool(message.replies)
        and all(reply.state == ReplyState.WAITING and not reply.attempts for reply in message.replies)
    )


def given_lately(session: Session, author: str, since: datetime.datetime) -> Sequence[Message]:
    """Return the answers that an author has given since then and may still take back, one per act, the newest first."""
    pending = sa.select(Reply.message_id).where(Reply.state == ReplyState.WAITING, Reply.created_at > since)
    query = (
        sa.select(Message)
        .where(Message.id.in_(pending), Message.author == author)
        .options(selectinload(Message.replies), selectinload(Message.case))
        .order_by(Message.at.desc(), Message.id)
    )
    acts: dict[tuple[datetime.datetime, str], Message] = {}
    for message in session.scalars(query):
        if is_still_here(message):
            acts.setdefault((message.at, message.text), message)
    return list(acts.values())


def take_back(session: Session, message: Message, who: str, at: datetime.datetime) -> Answer:
    """Remove an answer, and undo the closing that came with it, here and in the merged cases that it also answered.

    Return what was answered. Raises TooLateToTakeBack, and nothing has happened.
    """
    together = _given_at_once(session, message)
    cases = {one.id: one for one in _locked_cases(session, [one.case_id for one in together])}
    pending = _locked_jobs(session, together)
    steps = {one.case_id: _steps_of(session, one) for one in together}
    ways, voice = [Way(reply.way) for reply in message.replies], any(reply.with_voice for reply in message.replies)
    answer = Answer(message.author, ways, message.text, with_voice=voice)
    for job in pending:
        session.delete(job)
    for case_id, done in steps.items():
        _put_back(session, cases[case_id], done, who, at)
    message_ids = [one.id for one in together]
    for one in together:
        session.expunge(one)
    session.execute(sa.delete(Reply).where(Reply.message_id.in_(message_ids)))
    session.execute(sa.delete(Message).where(Message.id.in_(message_ids)))
    for case in cases.values():
        session.expire(case, ["messages"])
    return answer


def _given_at_once(session: Session, message: Message) -> Sequence[Message]:
    """Return the messages of the same act: an answer goes to the merged cases in one transaction, at one moment."""
    query = sa.select(Message).where(
        Message.at == message.at,
        Message.author == message.author,
        Message.text == message.text,
        Message.direction == Direction.OUT,
        Message.sound_id.is_(None),
    )
    return session.scalars(query.options(selectinload(Message.replies)).order_by(Message.id)).all()


def _locked_cases(session: Session, case_ids: Sequence[int]) -> Sequence[Case]:
    query = sa.select(Case).where(Case.id.in_(case_ids)).order_by(Case.id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def _locked_jobs(session: Session, messages: Sequence[Message]) -> Sequence[Job]:
    """Lock the deliveries, so that nobody claims one meanwhile. Raises TooLateToTakeBack when one has begun.

    A job that is locked already is being claimed or settled: it is skipped, and so is missing here.
    """
    replies = [reply for message in messages for reply in message.replies]
    query = sa.select(Job).where(
        Job.kind.in_(job_kinds.OF_REPLIES), Job.subject_id.in_([reply.id for reply in replies])
    )
    locked = session.scalars(query.with_for_update(skip_locked=True).execution_options(populate_existing=True)).all()
    waiting = [job.subject_id for job in locked if job.state == JobState.WAITING]
    for reply in replies:
        session.refresh(reply)
    begun = any(reply.state != ReplyState.WAITING or reply.attempts for reply in replies)
    if begun or not replies or sorted(waiting) != sorted(reply.id for reply in replies):
        raise TooLateToTakeBack
    return locked


def _steps_of(session: Session, message: Message) -> list[CaseChange]:
    """Return the changes of state that came with an answer. Raises TooLateToTakeBack after a later one."""
    query = (
        sa.select(CaseChange)
        .where(CaseChange.case_id == message.case_id, CaseChange.at >= message.at, CaseChange.what.in_(_STATES))
        .order_by(CaseChange.id)
    )
    steps = list(session.scalars(query))
    if not steps or steps[0].what != CaseEvent.ANSWER or any(step.at != message.at for step in steps):
        raise TooLateToTakeBack
    return steps


def _put_back(session: Session, case: Case, steps: Sequence[CaseChange], who: str, at: datetime.datetime) -> None:
    """Restore the state before the answer; an alarm that the answer had ended is raised again when it is due."""
    now_is, case.status = case.status, steps[0].before
    if case.status != CaseStatus.ANSWERED:
        case.answered_at = None
        case.overdue_alarm_at = None
    case.closed_at, case.updated_at = None, at
    note(session, case, who, "answer_taken_back", at, before=now_is, after=case.status)
