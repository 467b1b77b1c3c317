"""Outbox of texts, as rules over rows: what may be sent, by which line, when, and the result.

Neither Twilio's API nor SIP MESSAGE has an idempotency key. So a text is marked under way before it is sent, and sent
when the line has accepted it. A text that is found under way is in doubt: the worker asks the line what it has sent to
that number since then before sending it again. Where the line cannot be asked, the text is left to a person
(`docs/decisions/a-text-under-way-is-looked-up.md`).

    OutboxError
    ├── TextRefused        the line will never accept this text
    ├── LineBroken         the line accepts no text until a person has repaired it
    ├── LineBusy           not now; the text was certainly not sent
    ├── OutcomeUnknown     the line did not report whether it accepted the text
    └── DoubtRemains       the line cannot be asked either: a person decides
"""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.answers.replies import advance
from feedback.answers.reply_hours import next_polite_moment
from feedback.cases.case_lifecycle import note
from feedback.citizens.registry import CitizenBook
from feedback.models import Reply
from feedback.states import ReplyEvent, ReplyState
from feedback.texts.segments import segments
from haichieu import jobs, locale
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.errors import HaiChieuError
from haichieu.jobs import Claim, Job
from haichieu.outgoing import LimitReached, OutgoingRule, Use
from haichieu.station import the_station

LEASE = datetime.timedelta(minutes=2)
"""Longer than a provider takes to answer, so that a text that is still being sent is never in doubt."""
WAITS = tuple(datetime.timedelta(seconds=seconds) for seconds in (20, 60, 300, 900, 3600))
"""Pauses between attempts; after the last attempt a text fails."""
STATION = "system"
"""The author of immediate replies to a citizen's own message, sent at any time of day."""


class OutboxError(HaiChieuError):
    """A text was not sent."""


class TextRefused(OutboxError):
    """The line will never accept this text. `unsubscribed` when the citizen has opted out there."""

    def __init__(self, key: str, /, *, unsubscribed: bool = False, **fields: locale.Field) -> None:
        super().__init__(key, **fields)
        self.unsubscribed = unsubscribed


class LineBroken(OutboxError):
    """The line accepts no text until a person has repaired it."""


class LineBusy(OutboxError):
    """The line is busy; the text was certainly not sent."""


class OutcomeUnknown(OutboxError):
    """The line did not report whether it accepted the text."""


class DoubtRemains(OutboxError):
    """The line may have accepted the text and cannot be asked. A person decides whether to send it again."""


@dataclass(frozen=True)
class Errand:
    """A text to send. `doubtful` when it may have been sent already, at `since` or later."""

    claim: Claim
    reply_id: int
    number: str
    text: str
    doubtful: bool
    since: datetime.datetime


@dataclass(frozen=True)
class HandedOver:
    """The line's id of an accepted text, None where it has none. `limits` says what is not known about its arrival."""

    provider_id: str | None
    segments: int | None = None
    limits: locale.Message | None = None


SipReaches = Callable[[Session, str], bool]
"""Returns whether a number is texted by SIP: a phone of the station, or any number where a trunk accepts texts."""


def give_up(session: Session, job: Job, at: datetime.datetime) -> None:
    """Fail a text whose job has failed for good, with an alarm; one that was under way is in doubt."""
    reply = session.get(Reply, job.subject_id)
    if reply is None or reply.state not in (ReplyState.WAITING, ReplyState.UNDER_WAY):
        return
    problem = job.problem or _IN_DOUBT
    raise_alarm(session, AlarmKind.TEXTS_FAILING, f"texts:{reply.provider or job.kind}", problem)
    advance(session, reply, ReplyEvent.FAIL, at, _in_doubt(problem) if reply.state == ReplyState.UNDER_WAY else problem)


def hand_on(session: Session, book: CitizenBook, claim: Claim, reaches: SipReaches, at: datetime.datetime) -> bool:
    """Leave a text to the switchboard when its route is SIP; return whether it was."""
    reply = session.get(Reply, claim.subject_id)
    if reply is None or reply.state != ReplyState.WAITING:
        return False
    citizen = reply.message.case.citizen
    if citizen is None or not reaches(session, book.number_of(citizen)):
        return False
    jobs.renew(session, job_kinds.SEND_SIP_TEXT, reply.id, at)
    jobs.done(session, claim, at)
    return True


def begin(
    session: Session, book: CitizenBook, rule: OutgoingRule, claim: Claim, line: str, at: datetime.datetime
) -> Errand | None:
    """Mark a text as under way and return it; None when it may not be sent now, with the reason stored."""
    reply = session.get(Reply, claim.subject_id)
    if reply is None or reply.state not in (ReplyState.WAITING, ReplyState.UNDER_WAY):
        jobs.done(session, claim, at)
        return None
    citizen = reply.message.case.citizen
    if citizen is None:
        _give_up(session, reply, claim, locale.message("text.citizen_unknown"), at)
        return None
    if citizen.opted_out_at is not None and reply.state == ReplyState.WAITING:
        _give_up(session, reply, claim, locale.message("text.opted_out"), at)
        return None
    polite = at if reply.message.author == STATION else next_polite_moment(the_station(session), at)
    if polite > at and reply.state == ReplyState.WAITING:
        jobs.put_off(session, claim, polite, locale.message("answer.problem.outside_hours"), counts=False)
        return None
    if reply.state == ReplyState.WAITING and not _may_go(session, reply, book.number_of(citizen), rule, claim, at):
        return None
    doubtful, since = reply.state == ReplyState.UNDER_WAY, reply.changed_at
    advance(session, reply, ReplyEvent.BEGIN, since if doubtful else at, _IN_DOUBT if doubtful else None)
    reply.attempts += 1
    reply.provider = line
    reply.segments = segments(reply.message.text)
    return Errand(claim, reply.id, book.number_of(citizen), reply.message.text, doubtful, reply.changed_at)


def _may_go(
    session: Session, reply: Reply, number: str, rule: OutgoingRule, claim: Claim, at: datetime.datetime
) -> bool:
    """Count a text; fail one to a number that is never texted, and postpone one above the limit of the day."""
    use = Use.RECEIPTS if reply.message.author == STATION else Use.ANSWER_TEXTS
    refused = rule.take(session, use, number, at)
    if isinstance(refused, LimitReached):
        reply.reason = refused.message
        jobs.put_off(session, claim, refused.until, refused.message, counts=False)
    elif refused is not None:
        _give_up(session, reply, claim, refused.message, at)
    return refused is None


def sent(session: Session, errand: Errand, handed: HandedOver, at: datetime.datetime) -> None:
    """Record that the line accepted the text, unless Twilio's webhook did so before. Raises ClaimLost."""
    jobs.done(session, errand.claim, at)
    reply = session.get(Reply, errand.reply_id)
    if reply is not None and reply.state == ReplyState.UNDER_WAY:
        adopt(session, reply, handed, at)


def adopt(session: Session, reply: Reply, handed: HandedOver, at: datetime.datetime) -> None:
    """Record that a text under way was sent, with the line's id."""
    advance(session, reply, ReplyEvent.SEND, at, handed.limits)
    reply.provider_id = handed.provider_id
    reply.segments = handed.segments or reply.segments


def not_sent(session: Session, errand: Errand, problem: OutboxError, at: datetime.datetime) -> None:
    """Record why a text was not sent, and retry it unless it can never be sent. Raises ClaimLost."""
    reply = session.get(Reply, errand.reply_id)
    if reply is None or reply.state != ReplyState.UNDER_WAY:
        jobs.done(session, errand.claim, at)
        return
    if isinstance(problem, TextRefused):
        if problem.unsubscribed and (citizen := reply.message.case.citizen):
            citizen.opted_out_at = citizen.opted_out_at or at
        _give_up(session, reply, errand.claim, problem.message, at)
    elif isinstance(problem, DoubtRemains):
        _leave_in_doubt(session, reply, errand.claim, problem.message, at)
    elif isinstance(problem, LineBroken) or reply.attempts > len(WAITS):
        raise_alarm(session, AlarmKind.TEXTS_FAILING, f"texts:{reply.provider}", problem.message)
        _give_up(session, reply, errand.claim, problem.message, at)
    else:
        if isinstance(problem, LineBusy):
            advance(session, reply, ReplyEvent.PUT_OFF, at, problem.message)
        else:
            reply.reason = _in_doubt(problem.message)
        again = at + WAITS[min(reply.attempts, len(WAITS)) - 1]
        jobs.put_off(session, errand.claim, again, problem.message, counts=False)


def names_of_others(session: Session, provider_ids: Sequence[str]) -> set[str]:
    """Return those of the line's ids that belong to known texts."""
    known = session.scalars(sa.select(Reply.provider_id).where(Reply.provider_id.in_(provider_ids)))
    return {name for name in known if name is not None}


def waiting(session: Session) -> int:
    """Return the number of texts that wait or are under way."""
    return session.scalars(
        sa.select(sa.func.count(Reply.id)).where(
            Reply.way == "text", Reply.state.in_([ReplyState.WAITING, ReplyState.UNDER_WAY])
        )
    ).one()


_IN_DOUBT = locale.message("text.in_doubt")


def _in_doubt(problem: locale.Message) -> locale.Message:
    return locale.message("text.in_doubt_because", problem=problem)


def _give_up(session: Session, reply: Reply, claim: Claim, problem: locale.Message, at: datetime.datetime) -> None:
    advance(session, reply, ReplyEvent.FAIL, at, problem)
    jobs.fail(session, claim, at, problem)


def _leave_in_doubt(
    session: Session, reply: Reply, claim: Claim, problem: locale.Message, at: datetime.datetime
) -> None:
    """Give up so that nothing is sent twice, with an alarm so that a person looks at the case."""
    case, because = reply.message.case, _in_doubt(problem)
    _give_up(session, reply, claim, because, at)
    note(session, case, STATION, "text_in_doubt", at, after=because)
    raise_alarm(session, AlarmKind.ANSWER_FAILED, f"case:{case.number}", because)
