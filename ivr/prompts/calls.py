"""Calls that the station owes to somebody who wants to speak a prompt by telephone: asked for on a page, made once.

Only registered telephones of officials are called: a page must not be a way to ring up anybody.
"""

import datetime
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu import audit
from haichieu.database import Base
from haichieu.people import OfficialPhone
from haichieu.phone_numbers import masked
from ivr.prompts.custom import PromptRefused

VALID = datetime.timedelta(minutes=2)
"""A call that could not be made for this long is no longer waited for."""


class CallState(StrEnum):
    """How such a call stands."""

    OWED = "owed"
    CALLING = "calling"
    KEPT = "kept"
    NOT_KEPT = "not_kept"
    NOT_ANSWERED = "not_answered"


class PromptCall(Base):
    """One call about a prompt in a language; `asked_by` is the actor whose recording it will be."""

    __tablename__ = "prompt_calls"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(80))
    language: Mapped[str] = mapped_column(sa.String(8))
    number: Mapped[str] = mapped_column(sa.String(32))
    asked_by: Mapped[str] = mapped_column(sa.String(300))
    state: Mapped[str] = mapped_column(sa.String(20), index=True)
    asked_at: Mapped[datetime.datetime]
    outcome: Mapped[str] = mapped_column(sa.String(200), default="")


@dataclass(frozen=True)
class OwedPromptCall:
    """A call to make: where, and about which prompt."""

    id: int
    key: str
    language: str
    asked_by: str
    numbers: tuple[str, ...]


def owe(session: Session, key: str, language: str, number: str, who: str, at: datetime.datetime) -> PromptCall:
    """Owe a call to a telephone of an official. Raises PromptRefused for a number that is nobody's."""
    if session.scalar(sa.select(OfficialPhone.id).where(OfficialPhone.number == number)) is None:
        raise PromptRefused("prompt.call_only_officials")
    debt = PromptCall(key=key, language=language, number=number, asked_by=who, state=CallState.OWED, asked_at=at)
    session.add(debt)
    session.flush()
    audit.record(session, who, "prompt.call", f"prompt:{language}/{key}", phone=masked(number))
    return debt


def newest(session: Session, key: str, language: str, since: datetime.datetime) -> PromptCall | None:
    """The newest call about a prompt since a moment."""
    query = sa.select(PromptCall).where(
        PromptCall.key == key, PromptCall.language == language, PromptCall.asked_at >= since
    )
    return session.scalar(query.order_by(PromptCall.id.desc()).limit(1))


def claim(session: Session, at: datetime.datetime) -> list[OwedPromptCall]:
    """Take the calls that are owed, each for one claimant only; give up those that came too late."""
    owed = PromptCall.state == CallState.OWED
    due = session.scalars(
        sa.select(PromptCall).where(owed).order_by(PromptCall.id).with_for_update(skip_locked=True)
    ).all()
    for call in due:
        late = call.asked_at + VALID < at
        call.state = CallState.NOT_ANSWERED if late else CallState.CALLING
        call.outcome = "too late" if late else ""
    return [
        OwedPromptCall(call.id, call.key, call.language, call.asked_by, (call.number,))
        for call in due
        if call.state == CallState.CALLING
    ]


def next_due(session: Session) -> datetime.datetime | None:
    """When the next call falls due; None when none is owed."""
    return session.scalar(sa.select(sa.func.min(PromptCall.asked_at)).where(PromptCall.state == CallState.OWED))


def settle(session: Session, call_id: int, outcome: str) -> None:
    """Write down how the call went, unless its recording was kept."""
    call = session.get_one(PromptCall, call_id)
    call.outcome = outcome[:200]
    if call.state == CallState.CALLING:
        call.state = CallState.NOT_KEPT if outcome.startswith("answered") else CallState.NOT_ANSWERED


def kept(session: Session, call_id: int) -> None:
    """The recording stands for the prompt by now."""
    session.get_one(PromptCall, call_id).state = CallState.KEPT


def expire_interrupted(session: Session) -> int:
    """Give up the calls that a dead switchboard was making."""
    interrupted = session.scalars(sa.select(PromptCall).where(PromptCall.state == CallState.CALLING)).all()
    for call in interrupted:
        call.state, call.outcome = CallState.NOT_KEPT, "the switchboard was restarted"
    return len(interrupted)
