"""Calls owed to officials as rules over rows: each claimed once, done or expired.

While call-back verification is on for an official, a caller's number and PIN alone put nothing on a speaker: the
station hangs up and calls the registered number, since a caller's number can be forged. Who is to choose another PIN
is called there too.
"""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import CallBack
from haichieu import audit
from haichieu.errors import HaiChieuError
from haichieu.people import Official

LONGEST_GOODBYE = datetime.timedelta(seconds=30)
"""How long the station may need to say that it calls back; a debt whose caller was lost falls due after this."""

VALID = datetime.timedelta(minutes=2)
"""An owed call that could not be made for this long is no longer what the official expects."""


PIN_FLOW = "set-pin"


class NoRegisteredPhone(HaiChieuError):
    """The official has no phone that could be called."""

    def __init__(self, official: Official) -> None:
        super().__init__("broadcast.no_registered_phone", name=official.name)


def owe(
    session: Session, official: Official, zone_keys: str, priority: Priority, flow: str, at: datetime.datetime
) -> CallBack:
    """Owe a call to the official about a zone; replaces an older debt. It falls due when they have hung up."""
    debt = _replace(session, official, zone_keys, priority, flow, at + LONGEST_GOODBYE, at + VALID)
    audit.record(session, f"official:{official.code}", "call_back.owed", f"zone:{zone_keys}")
    return debt


def owe_pin_call(session: Session, official: Official, who: str, at: datetime.datetime) -> CallBack:
    """Owe the official, at once, a call on which they choose another PIN; replaces an older debt.

    Raises NoRegisteredPhone.
    """
    if not official.phones:
        raise NoRegisteredPhone(official)
    audit.record(session, who, "official.pin_call", f"official:{official.code}")
    return _replace(session, official, "", Priority.NORMAL, PIN_FLOW, at, at + VALID)


def fall_due(session: Session, call_back_id: int, at: datetime.datetime) -> None:
    """The official has hung up: the call is to be made at `at`."""
    debt = session.get_one(CallBack, call_back_id)
    if debt.state == "owed":
        debt.due_at = at


@dataclass(frozen=True)
class OwedCall:
    """A call to make: to whom, at which numbers in order, and about what; `zone_keys` is empty when about no zone."""

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


def _replace(
    session: Session,
    official: Official,
    zone_keys: str,
    priority: Priority,
    flow: str,
    due_at: datetime.datetime,
    expires_at: datetime.datetime,
) -> CallBack:
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
        due_at=due_at,
        expires_at=expires_at,
    )
    session.add(debt)
    session.flush()
    return debt
