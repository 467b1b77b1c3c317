"""Calls for recording a prompt by telephone: requested on a page, placed once.

Only registered telephones of officials are called, so that the page cannot be used to call anyone else.
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
"""A call that could not be placed within this time is dropped."""


class CallState(StrEnum):
    """States of such a call."""

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
class PendingPromptCall:
    """A pending call: the prompt, and the numbers to try."""

    id: int
    key: str
    language: str
    asked_by: str
    numbers: tuple[str, ...]


def request(session: Session, key: str, language: str, number: str, who: str, at: datetime.datetime) -> PromptCall:
    """Queue a call to a telephone of an official. Raises PromptRefused for any other number."""
    if session.scalar(sa.select(OfficialPhone.id).where(OfficialPhone.number == number)) is None:
        raise PromptRefused("prompt.call_only_officials")
    pending = PromptCall(key=key, language=language, number=number, asked_by=who, state=CallState.OWED, asked_at=at)
    session.add(pending)
    session.flush()
    audit.record(session, who, "prompt.call", f"prompt:{language}/{key}", phone=masked(number))
    return pending


def newest(session: Session, key: str, language: str, since: datetime.datetime) -> PromptCall | None:
    """Return the newest call about a prompt since a moment."""
    query = sa.select(PromptCall).where(
        PromptCall.key == key, PromptCall.language == language, PromptCall.asked_at >= since
    )
    return session.scalar(query.order_by(PromptCall.id.desc()).limit(1))


def claim(session: Session, at: datetime.datetime, most: int = 10) -> list[PendingPromptCall]:
    """Claim up to `most` pending calls; drop those that are too late."""
    owed = PromptCall.state == CallState.OWED
    due = session.scalars(
        sa.select(PromptCall).where(owed).order_by(PromptCall.id).limit(most).with_for_update(skip_locked=True)
    ).all()
    for call in due:
        late = call.asked_at + VALID < at
        call.state = CallState.NOT_ANSWERED if late else CallState.CALLING
        call.outcome = "too late" if late else ""
    return [
        PendingPromptCall(call.id, call.key, call.language, call.asked_by, (call.number,))
        for call in due
        if call.state == CallState.CALLING
    ]


def next_due(session: Session) -> datetime.datetime | None:
    """Return when the next call is due; None without one."""
    return session.scalar(sa.select(sa.func.min(PromptCall.asked_at)).where(PromptCall.state == CallState.OWED))


def settle(session: Session, call_id: int, outcome: str) -> None:
    """Record the outcome, unless the recording was stored."""
    call = session.get_one(PromptCall, call_id)
    call.outcome = outcome[:200]
    if call.state == CallState.CALLING:
        call.state = CallState.NOT_KEPT if outcome.startswith("answered") else CallState.NOT_ANSWERED


def kept(session: Session, call_id: int) -> None:
    """Record that the recording is in use."""
    session.get_one(PromptCall, call_id).state = CallState.KEPT


def expire_interrupted(session: Session) -> int:
    """Give up the calls that a dead switchboard was placing."""
    interrupted = session.scalars(sa.select(PromptCall).where(PromptCall.state == CallState.CALLING)).all()
    for call in interrupted:
        call.state, call.outcome = CallState.NOT_KEPT, "the switchboard was restarted"
    return len(interrupted)
