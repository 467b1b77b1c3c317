"""Answers by text as rules over rows: which may go, on which line, when, and what became of each.

Neither Twilio's API nor a SIP MESSAGE takes a key by which a text handed over twice would be sent once. So a text is
marked under way before it is handed over, and sent when the line has taken it. Whoever finds one that is under way
already is in doubt, and asks the line what it has sent to that number since before sending it again. Of a line that
cannot be asked a text in doubt is sent no second time, but given to a person
(`docs/decisions/a-text-under-way-is-looked-up.md`).

    OutboxError
    ├── TextRefused        the line will never take this text; says why, for people
    ├── LineBroken         no text can go out on this line until a person has done something
    ├── LineBusy           not now; it was certainly not sent
    ├── OutcomeUnknown     the line did not say whether it took the text
    └── DoubtRemains       the line cannot be asked either: a person decides
"""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.answers.replies import changes
from feedback.answers.reply_hours import next_polite_moment
from feedback.cases.lifecycle import note
from feedback.citizens.registry import CitizenBook
from feedback.models import Reply
from feedback.states import ReplyEvent, ReplyState
from feedback.texts.segments import segments
from haichieu import jobs, locale
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.errors import HaiChieuError
from haichieu.jobs import Claim, Job, JobState
from haichieu.station import the_station

LEASE = datetime.timedelta(minutes=2)
"""Longer than a line takes to answer, so that nobody doubts a text that is still being handed over."""
WAITS = tuple(datetime.timedelta(seconds=seconds) for seconds in (20, 60, 300, 900, 3600))
"""Between one attempt and the next; after the last of them a text fails."""
STATION = "system"
"""The author of what answers a citizen's own message at once, at any hour."""


class OutboxError(HaiChieuError):
    """A text did not go out."""


class TextRefused(OutboxError):
    """The line will never take this text. `unsubscribed` when it says that the citizen wants none."""

    def __init__(self, key: str, /, *, unsubscribed: bool = False, **fields: locale.Field) -> None:
        super().__init__(key, **fields)
        self.unsubscribed = unsubscribed


class LineBroken(OutboxError):
    """Nothing goes out on this line until a person has done something."""


class LineBusy(OutboxError):
    """Not now; the text was certainly not sent."""


class OutcomeUnknown(OutboxError):
    """The line did not say whether it took the text."""


class DoubtRemains(OutboxError):
    """The line may have taken the text and cannot be asked: whether to send it again is for a person to say."""


@dataclass(frozen=True)
class Errand:
    """A text to be handed over. `doubtful` says that it may have been already, at `since` or later."""

    claim: Claim
    reply_id: int
    number: str
    text: str
    doubtful: bool
    since: datetime.datetime


@dataclass(frozen=True)
class HandedOver:
    """What the line calls a text that it took, None where it names none."""

    provider_id: str | None
    segments: int | None = None


SipReaches = Callable[[Session, str], bool]
"""Says whether a number is texted by SIP: a phone of ours, or anybody where a trunk takes texts."""


def claim(session: Session, kind: str, at: datetime.datetime, most: int) -> list[Claim]:
    """Take texts that are due. One whose claimants died too often is given up, with an alarm."""
    claims = jobs.claim(session, [kind], at, LEASE, most)
    abandoned = session.execute(
        sa.select(Reply, Job)
        .join(Job, sa.and_(Job.kind == kind, Job.subject_id == Reply.id))
        .where(Reply.state == ReplyState.UNDER_WAY, Job.state == JobState.FAILED)
    )
    for reply, job in abandoned:
        problem = job.problem or _IN_DOUBT
        raise_alarm(session, AlarmKind.TEXTS_FAILING, f"texts:{reply.provider}", problem)
        changes(session, reply, ReplyEvent.FAIL, at, _in_doubt(problem))
    return claims


def hand_on(session: Session, book: CitizenBook, claim: Claim, reaches: SipReaches, at: datetime.datetime) -> bool:
    """Leave a text to the switchboard when SIP is its way; say whether that was done."""
    reply = session.get(Reply, claim.subject_id)
    if reply is None or reply.state != ReplyState.WAITING:
        return False
    citizen = reply.message.case.citizen
    if citizen is None or not reaches(session, book.number_of(citizen)):
        return False
    jobs.renew(session, job_kinds.SEND_SIP_TEXT, reply.id, at)
    jobs.done(session, claim, at)
    return True


def begin(session: Session, book: CitizenBook, claim: Claim, line: str, at: datetime.datetime) -> Errand | None:
    """Mark a text as under way and return it; None when it may not go, or not yet, which is then written down."""
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
    doubtful, since = reply.state == ReplyState.UNDER_WAY, reply.changed_at
    changes(session, reply, ReplyEvent.BEGIN, since if doubtful else at, _IN_DOUBT if doubtful else None)
    reply.attempts += 1
    reply.provider = line
    reply.segments = segments(reply.message.text)
    return Errand(claim, reply.id, book.number_of(citizen), reply.message.text, doubtful, reply.changed_at)


def sent(session: Session, errand: Errand, handed: HandedOver, at: datetime.datetime) -> None:
    """Write down that the line took it; Twilio may have told us before, through its webhook. Raises ClaimLost."""
    jobs.done(session, errand.claim, at)
    reply = session.get(Reply, errand.reply_id)
    if reply is not None and reply.state == ReplyState.UNDER_WAY:
        adopt(session, reply, handed, at)


def adopt(session: Session, reply: Reply, handed: HandedOver, at: datetime.datetime) -> None:
    """Take a text that is under way for sent, under the name that the line gave it."""
    changes(session, reply, ReplyEvent.SEND, at)
    reply.provider_id = handed.provider_id
    reply.segments = handed.segments or reply.segments


def not_sent(session: Session, errand: Errand, problem: OutboxError, at: datetime.datetime) -> None:
    """Write down why it did not go out; it is tried again unless that is for ever. Raises ClaimLost."""
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
            changes(session, reply, ReplyEvent.PUT_OFF, at, problem.message)
        else:
            reply.reason = _in_doubt(problem.message)
        again = at + WAITS[min(reply.attempts, len(WAITS)) - 1]
        jobs.put_off(session, errand.claim, again, problem.message, counts=False)


def names_of_others(session: Session, provider_ids: Sequence[str]) -> set[str]:
    """Those of the line's names that belong to texts we know already."""
    known = session.scalars(sa.select(Reply.provider_id).where(Reply.provider_id.in_(provider_ids)))
    return {name for name in known if name is not None}


def waiting(session: Session) -> int:
    """How many texts wait or are under way."""
    return session.scalars(
        sa.select(sa.func.count(Reply.id)).where(
            Reply.way == "text", Reply.state.in_([ReplyState.WAITING, ReplyState.UNDER_WAY])
        )
    ).one()


_IN_DOUBT = locale.message("text.in_doubt")


def _in_doubt(problem: locale.Message) -> locale.Message:
    return locale.message("text.in_doubt_because", problem=problem)


def _give_up(session: Session, reply: Reply, claim: Claim, problem: locale.Message, at: datetime.datetime) -> None:
    changes(session, reply, ReplyEvent.FAIL, at, problem)
    jobs.fail(session, claim, at, problem)


def _leave_in_doubt(
    session: Session, reply: Reply, claim: Claim, problem: locale.Message, at: datetime.datetime
) -> None:
    """Give up so that nothing comes twice, and have a person look at the case so that nothing is lost."""
    case, because = reply.message.case, _in_doubt(problem)
    _give_up(session, reply, claim, because, at)
    note(session, case, STATION, "text_in_doubt", at)
    raise_alarm(session, AlarmKind.ANSWER_FAILED, f"case:{case.number}", because)
