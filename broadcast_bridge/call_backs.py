"""Call-back verification as rules over rows: an owed call, claimed once, done or expired.

While it is on for an official, a caller's number and PIN alone put nothing on a speaker: the station hangs
up and calls the registered number, since a caller's number can be forged.
"""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import CallBack
from haichieu import audit
from haichieu.people import Official

VALID = datetime.timedelta(minutes=2)
"""An owed call that could not be made for this long is no longer what the official expects."""


def owe(
    session: Session, official: Official, zone_keys: str, flow: str, at: datetime.datetime, delay: float
) -> CallBack:
    """Owe a call to the official about a zone, due `delay` seconds after `at`; replaces an older debt."""
    session.execute(
        sa.update(CallBack)
        .where(CallBack.official_id == official.id, CallBack.state == "owed")
        .values(state="expired", outcome="replaced by a newer request")
    )
    debt = CallBack(
        official_id=official.id,
        zone_keys=zone_keys,
        flow=flow,
        state="owed",
        due_at=at + datetime.timedelta(seconds=delay),
        expires_at=at + VALID,
    )
    session.add(debt)
    audit.record(session, f"official:{official.code}", "call_back.owed", f"zone:{zone_keys}")
    return debt


@dataclass(frozen=True)
class OwedCall:
    """A call to make: to whom, at which numbers in order, and about what."""

    id: int
    official_id: int
    official_name: str
    numbers: tuple[str, ...]
    zone_keys: str
    flow: str
    due_at: datetime.datetime


def claim(session: Session, at: datetime.datetime) -> list[OwedCall]:
    """Take the calls that are owed, each for one claimant only; forget those that came too late."""
    session.execute(
        sa.update(CallBack)
        .where(CallBack.state == "owed", CallBack.expires_at < at)
        .values(state="expired", outcome="too late")
    )
    owed = session.scalars(
        sa.select(CallBack).where(CallBack.state == "owed").order_by(CallBack.id).with_for_update(skip_locked=True)
    ).all()
    for debt in owed:
        debt.state = "calling"
    return [
        OwedCall(
            debt.id,
            debt.official_id,
            debt.official.name,
            tuple(phone.number for phone in debt.official.phones),
            debt.zone_keys,
            debt.flow,
            debt.due_at,
        )
        for debt in owed
    ]


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
