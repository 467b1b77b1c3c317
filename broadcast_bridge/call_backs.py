"""Call-back verification as rules over rows: an owed call, claimed once, done or expired.

While it is on for an official, a caller's number and PIN alone put nothing on a speaker: the station hangs
up and calls the registered number, since a caller's number can be forged.
"""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import CallBack
from broadcast_bridge.states import Priority
from haichieu import audit
from haichieu.people import Official

LONGEST_GOODBYE = datetime.timedelta(seconds=30)
"""How long the station may need to say that it calls back; a debt whose caller was lost falls due after this."""

VALID = datetime.timedelta(minutes=2)
"""An owed call that could not be made for this long is no longer what the official expects."""


def owe(
    session: Session, official: Official, zone_keys: str, priority: Priority, flow: str, at: datetime.datetime
) -> CallBack:
    """Owe a call to the official about a zone; replaces an older debt. It falls due when they have hung up."""
    session.execute(
        sa.update(CallBack)
        .where(CallBack.official_id == official.id, CallBack.state == "owed")
        .values(state="expired", outcome="replaced by a newer request")
    )
    debt = CallBack(
        official_id=official.id,
        zone_keys=zone_keys,
        priority=priority,
        flow=flow,
        state="owed",
        due_at=at + LONGEST_GOODBYE,
        expires_at=at + VALID,
    )
    session.add(debt)
    audit.record(session, f"official:{official.code}", "call_back.owed", f"zone:{zone_keys}")
    session.flush()
    return debt


def fall_due(session: Session, call_back_id: int, at: datetime.datetime) -> None:
    """The official has hung up: the call is to be made at `at`."""
    debt = session.get_one(CallBack, call_back_id)
    if debt.state == "owed":
        debt.due_at = at


@dataclass(frozen=True)
class OwedCall:
    """A call to make: to whom, at which numbers in order, and about what."""

    id: int
    official_id: int
    official_name: str
    numbers: tuple[str, ...]
    zone_keys: str
    priority: Priority
    flow: str


def claim(session: Session, at: datetime.datetime) -> list[OwedCall]:
    """Take the calls that are due, each for one claimant only; forget those that came too late."""
    session.execute(
        sa.update(CallBack)
        .where(CallBack.state == "owed", CallBack.expires_at < at)
        .values(state="expired", outcome="too late")
    )
    due = session.scalars(
        sa.select(CallBack)
        .where(CallBack.state == "owed", CallBack.due_at <= at)
        .order_by(CallBack.id)
        .with_for_update(skip_locked=True)
    ).all()
    for debt in due:
        debt.state = "calling"
    return [
        OwedCall(
            debt.id,
            debt.official_id,
            debt.official.name,
            tuple(phone.number for phone in debt.official.phones),
            debt.zone_keys,
            Priority(debt.priority),
            debt.flow,
        )
        for debt in due
    ]


def next_due(session: Session) -> datetime.datetime | None:
    """When the next call falls due; None when none is owed."""
    return session.scalar(sa.select(sa.func.min(CallBack.due_at)).where(CallBack.state == "owed"))


def settle(session: Session, call_back_id: int, outcome: str) -> None:
    """Write down how the call went."""
    debt = session.get_one(CallBack, call_back_id)
    debt.state, debt.outcome = "done", outcome[:200]


def expire_interrupted(session: Session) -> int:
    """Calls that a dead switchboard was making are not made again: the official will ring once more."""
    interrupted = session.scalars(sa.select(CallBack).where(CallBack.state == "calling")).all()
    for debt in interrupted:
        debt.state, debt.outcome = "expired", "the switchboard was restarted"
    return len(interrupted)
