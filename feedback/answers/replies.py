"""Answers: what the office says in a case, and the methods by which it is delivered.

An answer and the jobs that deliver it are written in one transaction; delivery starts from the rows.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.cases.case_lifecycle import Said, happen, note, say
from feedback.citizens import consents
from feedback.citizens.consents import NoConsent
from feedback.models import Case, Message, Reply
from feedback.states import REPLY, CaseEvent, CaseStatus, Channel, Direction, ReplyEvent, ReplyState, Way
from haichieu import jobs, locale
from haichieu.errors import HaiChieuError
from haichieu.media import Media

JOBS = {Way.TEXT: job_kinds.SEND_TEXT, Way.CALL: job_kinds.ANSWER_CALL, Way.AIR: job_kinds.ANSWER_AIR}
RETRIED = (Way.TEXT, Way.CALL)
"""An answer on air fails because of its content, so it is answered again instead."""
LONGEST_ANSWER = 5_000
"""Characters."""
TO_TAKE_BACK = datetime.timedelta(seconds=10)
"""How long an answer waits before it leaves, where its author can still take it back."""


class AnswerRefused(HaiChieuError):
    """The answer cannot be given as requested."""


class NothingToRetry(AnswerRefused):
    """No delivery has failed, or another user has retried it already."""

    def __init__(self) -> None:
        super().__init__("answer.nothing_to_retry")


@dataclass(frozen=True)
class Answer:
    """An answer, written or recorded, and its delivery methods. `author` is an actor of the audit trail.

    `waits` is how long after it was given it is delivered at the earliest. `with_voice` has an answer on air begin with
    the citizen's first recorded message.
    """

    author: str
    ways: Sequence[Way]
    text: str = ""
    sound: Media | None = None
    waits: datetime.timedelta = datetime.timedelta()
    with_voice: bool = False


def answer(session: Session, case: Case, given: Answer, at: datetime.datetime) -> Message:
    """Answer a case and those merged into it.

    Raises AnswerRefused, and nothing has happened.
    """
    check(session, case, given)
    happen(session, case, CaseEvent.ANSWER, given.author, at)
    message = _write(session, case, given, at)
    answer_also(session, case, given, at)
    return message


def answer_also(session: Session, main: Case, given: Answer, at: datetime.datetime) -> list[Message]:
    """Answer the cases that were merged into `main`, by the methods that reach each citizen.

    The answer is aired once, for `main`, and delivered once to a citizen with several of the cases. A citizen who
    cannot be reached finds it by the number of the case.
    """
    merged = sa.select(Case).where(Case.duplicate_of_id == main.id, Case.status != CaseStatus.CLOSED).order_by(Case.id)
    messages = []
    told = {main.citizen_id}
    for case in session.scalars(merged).all():
        happen(session, case, CaseEvent.ANSWER, given.author, at)
        is_news = case.citizen_id not in told
        ways = [way for way in given.ways if is_news and way is not Way.AIR and _reaches(case, way)]
        told.add(case.citizen_id)
        messages.append(_write(session, case, replace(given, ways=ways, with_voice=False), at))
    return messages


def acknowledge(session: Session, case: Case, text: str, at: datetime.datetime) -> Message | None:
    """Send a text of the station itself, such as the case number; the state of the case does not change.

    Return None where no text may be sent: the citizen is unknown, or has opted out.
    """
    if case.citizen is None or case.citizen.opted_out_at is not None:
        return None
    return _write(session, case, Answer("system", [Way.TEXT], text), at)


def advance(
    session: Session, reply: Reply, event: ReplyEvent, at: datetime.datetime, reason: locale.Message | None = None
) -> None:
    """Apply an event to the delivery of an answer. Raises IllegalTransition."""
    reply.state = REPLY.after(ReplyState(reply.state), event)
    reply.reason, reply.changed_at = reason, at


def retry(session: Session, reply: Reply, who: str, at: datetime.datetime) -> None:
    """Retry a failed text or call from the start, on request of a user. Only the first of two requests succeeds.

    Raises NothingToRetry, or AnswerRefused when the citizen can no longer be reached by that method.
    """
    session.refresh(reply, with_for_update=True)
    case = reply.message.case
    if reply.state != ReplyState.FAILED or reply.way not in RETRIED:
        raise NothingToRetry
    check(session, case, Answer(who, [Way(reply.way)], reply.message.text, reply.message.sound))
    advance(session, reply, ReplyEvent.RETRY, at)
    reply.attempts, reply.provider, reply.provider_id = 0, "", None
    jobs.renew(session, JOBS[Way(reply.way)], reply.id, at)
    note(session, case, who, "answer_retried", at, after=reply.way)


def check(session: Session, case: Case, given: Answer) -> None:
    """Raise AnswerRefused when the case cannot be answered like this."""
    if not given.text.strip() and given.sound is None:
        raise AnswerRefused("answer.empty")
    if len(given.text) > LONGEST_ANSWER:
        raise AnswerRefused("answer.too_long", count=len(given.text), most=LONGEST_ANSWER)
    if not given.ways:
        raise AnswerRefused("answer.no_method")
    if case.citizen is None and set(given.ways) - {Way.AIR}:
        raise AnswerRefused("answer.anonymous")
    if Way.TEXT in given.ways:
        if not given.text.strip():
            raise AnswerRefused("answer.text_needs_words")
        if case.citizen is not None and case.citizen.opted_out_at is not None:
            raise AnswerRefused("text.opted_out")
    if Way.AIR in given.ways:
        _check_for_air(session, case, given)


def spoken_first(session: Session, case: Case) -> Message | None:
    """Return the citizen's first recorded message, None without one."""
    spoken = sa.select(Message).where(
        Message.case_id == case.id, Message.direction == Direction.IN, Message.sound_id.is_not(None)
    )
    return session.scalar(spoken.order_by(Message.id).limit(1))


def _check_for_air(session: Session, case: Case, given: Answer) -> None:
    """Raise AnswerRefused for an answer that may not go on air as the citizen's consents are now."""
    try:
        consents.require_for_air(session, case, voice=given.with_voice)
    except NoConsent as refusal:
        raise AnswerRefused(refusal.message) from None
    if given.with_voice and spoken_first(session, case) is None:
        raise AnswerRefused("answer.no_voice")


def _reaches(case: Case, way: Way) -> bool:
    return case.citizen is not None and not (way is Way.TEXT and case.citizen.opted_out_at is not None)


def _write(session: Session, case: Case, given: Answer, at: datetime.datetime) -> Message:
    channel = Channel.TEXT if given.ways == [Way.TEXT] else Channel.PANEL
    said = Said(Direction.OUT, channel, given.author, given.text.strip(), given.sound, case.language)
    message = say(session, case, said, at)
    for way in dict.fromkeys(given.ways):
        reply = Reply(message=message, way=way, state=REPLY.initial, created_at=at, changed_at=at,
                      with_voice=given.with_voice and way is Way.AIR)  # fmt: skip
        session.add(reply)
        session.flush()
        jobs.add(session, JOBS[way], reply.id, at + given.waits)
    return message
