"""Test calls: requested on the panel, placed once, and heard when the person who answers presses 1.

Only telephones of the station and registered telephones of officials are called, so that the page cannot be used to
call anyone else.
"""

import asyncio
import contextlib
import datetime
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu import audit
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.dialling import dial
from haichieu.ari.errors import HungUp, NotAnswered
from haichieu.database import Base, Database, now
from haichieu.errors import HaiChieuError, UsageError
from haichieu.locale import Message, message
from haichieu.locale.column import MessageText
from haichieu.people import OfficialPhone
from haichieu.phone_numbers import masked
from haichieu.sip.models import Phone
from haichieu.station import the_station
from haichieu.work_runner import WorkRunner
from ivr.calls.call_back_dispatcher import RING_SECONDS, LegsFor
from ivr.flows.session import Prompts

log = structlog.get_logger()

VALID = datetime.timedelta(minutes=2)
"""A call that could not be placed within this time is dropped."""
RETAINED = datetime.timedelta(days=1)
"""Older calls are deleted, but for the newest one that was heard."""
HEARD_KEY = "1"
TRIES = 2
ANSWER_SECONDS = 8.0


class TrialState(StrEnum):
    """States of a test call."""

    OWED = "owed"
    CALLING = "calling"
    HEARD = "heard"
    """Confirmed with a key."""
    PLAYED = "played"
    """Played to the end, without a key."""
    HUNG_UP = "hung_up"
    NOT_ANSWERED = "not_answered"


UNDER_WAY = (TrialState.OWED, TrialState.CALLING)
OVER = {NotAnswered.BUSY: "busy", NotAnswered.UNREACHABLE: "unreachable", NotAnswered.REJECTED: "rejected"}


class TrialCall(Base):
    """One test call; `reason` says why it was not answered."""

    __tablename__ = "trial_calls"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(32))
    asked_by: Mapped[str] = mapped_column(sa.String(300))
    state: Mapped[str] = mapped_column(sa.String(20), index=True)
    asked_at: Mapped[datetime.datetime]
    reason: Mapped[Message | None] = mapped_column(MessageText, nullable=False, default=None)


@dataclass(frozen=True)
class PendingTrialCall:
    """A claimed call."""

    id: int
    number: str


class TrialCallRefused(UsageError):
    """The station places no such test call."""


def request(session: Session, number: str, who: str, at: datetime.datetime) -> TrialCall:
    """Queue a test call. Raises TrialCallRefused for other telephones, and while another test call is in progress."""
    ours = sa.exists().where(Phone.caller_number == number)
    if not session.scalar(sa.select(sa.or_(ours, sa.exists().where(OfficialPhone.number == number)))):
        raise TrialCallRefused("call.trial.only_known")
    if session.scalar(sa.select(TrialCall.id).where(TrialCall.state.in_(UNDER_WAY), TrialCall.asked_at > at - VALID)):
        raise TrialCallRefused("call.trial.in_progress")
    heard = session.scalar(sa.select(sa.func.max(TrialCall.id)).where(TrialCall.state == TrialState.HEARD))
    session.execute(sa.delete(TrialCall).where(TrialCall.asked_at < at - RETAINED, TrialCall.id != (heard or 0)))
    pending = TrialCall(number=number, asked_by=who, state=TrialState.OWED, asked_at=at)
    session.add(pending)
    session.flush()
    audit.record(session, who, "trial-call", f"trial-call:{pending.id}", phone=masked(number))
    return pending


def newest_call(session: Session) -> TrialCall | None:
    """Return the newest test call."""
    return session.scalar(sa.select(TrialCall).order_by(TrialCall.id.desc()).limit(1))


def settle(session: Session, call_id: int, state: TrialState, reason: Message | None = None) -> None:
    """Record the result of a call."""
    call = session.get_one(TrialCall, call_id)
    call.state, call.reason = state, reason


def expire_interrupted(session: Session) -> None:
    """Give up the calls that a dead switchboard was placing."""
    reason = message("call.trial.restarted")
    interrupted = sa.update(TrialCall).where(TrialCall.state == TrialState.CALLING)
    session.execute(interrupted.values(state=TrialState.NOT_ANSWERED, reason=reason))


class TrialCalls(WorkRunner[PendingTrialCall]):
    """Claims test calls and places them. The claim is committed before dialling, so that no call is placed twice."""

    at_once = 2

    def __init__(self, client: AriClient, database: Database, prompts: Prompts, legs_for: LegsFor) -> None:
        super().__init__(database)
        self._client = client
        self._prompts = prompts
        self._legs_for = legs_for

    async def run(self) -> None:
        """Work until cancelled."""
        await self._database.until_written(expire_interrupted)
        await super().run()

    async def ready(self) -> None:
        """Wait for Asterisk."""
        await self._client.connected.wait()

    async def next_due(self) -> datetime.datetime | None:
        """Return when the next call is due."""
        oldest = sa.select(sa.func.min(TrialCall.asked_at)).where(TrialCall.state == TrialState.OWED)
        return await self._database.look(lambda session: session.scalar(oldest))

    def claim(self, session: Session, most: int) -> list[PendingTrialCall]:
        """Claim the pending calls; drop those that are too late."""
        owed = sa.select(TrialCall).where(TrialCall.state == TrialState.OWED).order_by(TrialCall.id)
        due = session.scalars(owed.limit(most).with_for_update(skip_locked=True)).all()
        for call in due:
            late = call.asked_at + VALID < now()
            call.state = TrialState.NOT_ANSWERED if late else TrialState.CALLING
            call.reason = message("call.trial.too_late") if late else None
        return [PendingTrialCall(call.id, call.number) for call in due if call.state == TrialState.CALLING]

    async def handle(self, work: PendingTrialCall) -> None:
        """Place one call and record its result."""
        reason: Message | None = None
        try:
            legs = await self._legs_for(work.number)
            async with dial(self._client, legs, timeout=RING_SECONDS, called_number=work.number) as call:
                state = await self._talk(call)
        except NotAnswered as refusal:
            state, reason = TrialState.NOT_ANSWERED, message(f"call.answer.{OVER.get(refusal.cause, 'no_answer')}")
        except HungUp:
            state = TrialState.HUNG_UP
        except HaiChieuError as problem:
            state, reason = TrialState.NOT_ANSWERED, problem.message
        log.info("trial_call.done", call=work.id, state=state)
        await self._database.until_written(lambda session: settle(session, work.id, state, reason))

    async def failed(self, work: PendingTrialCall, problem: Exception) -> None:
        """Record that the call could not be placed."""
        await super().failed(work, problem)
        reason = message("call.answer.not_placed")
        await self._database.until_written(lambda session: settle(session, work.id, TrialState.NOT_ANSWERED, reason))

    async def _talk(self, call: Call) -> TrialState:
        """Play the sentence, and again when no key is pressed. Raises HungUp."""
        language = await self._database.look(lambda session: the_station(session).language)
        keys = ("trial-call", "trial-call-heard", "goodbye")
        question, thanks, goodbye = [await asyncio.to_thread(self._prompts.sound, key, language) for key in keys]
        pressed = ""
        for _ in range(TRIES):
            digits = await call.ask(question, max_digits=1, terminator="", first_digit_seconds=ANSWER_SECONDS)
            if pressed := digits.keys:
                break
        heard = pressed == HEARD_KEY
        with contextlib.suppress(HungUp):  # the question was played, and perhaps answered
            await call.say(thanks if heard else goodbye)
        return TrialState.HEARD if heard else TrialState.PLAYED
