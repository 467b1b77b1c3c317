"""Pending calls to officials, each claimed once and then done or expired.

With call-back verification, a caller's number and PIN alone put nothing on air: the station hangs up and calls the
registered number, since a caller's number can be forged. An official who must choose a new PIN is called there too.
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
"""How long the station may need to announce the call; the call is due after this when the hang-up was not seen."""

VALID = datetime.timedelta(minutes=2)
"""An official no longer expects a call that could not be made for this long."""


PIN_FLOW = "set-pin"


class NoRegisteredPhone(HaiChieuError):
    """The official has no phone that could be called."""

    def __init__(self, official: Official) -> None:
        super().__init__("broadcast.no_registered_phone", name=official.name)


def request(
    session: Session, official: Official, zone_keys: str, priority: Priority, flow: str, at: datetime.datetime
) -> CallBack:
    """Request a call to the official about a zone, replacing an older one. It is due when they have hung up."""
    call = _replace(session, official, zone_keys, priority, flow, at + LONGEST_GOODBYE, at + VALID)
    audit.record(session, f"official:{official.code}", "call_back.owed", f"zone:{zone_keys}")
    return call


def request_pin_call(session: Session, official: Official, who: str, at: datetime.datetime) -> CallBack:
    """Request an immediate call on which the official chooses a new PIN, replacing an older one.

    Raises NoRegisteredPhone.
    """
    if not official.phones:
        raise NoRegisteredPhone(official)
    audit.record(session, who, "official.pin_call", f"official:{official.code}")
    return _replace(session, official, "", Priority.NORMAL, PIN_FLOW, at, at + VALID)


def make_due(session: Session, call_back_id: int, at: datetime.datetime) -> None:
    """Make a pending call due at `at`, because the official has hung up."""
    call = session.get_one(CallBack, call_back_id)
    if call.state == "owed":
        call.due_at = at


@dataclass(frozen=True)
class PendingCall:
    """A call to make: official, numbers in order, and subject; `zone_keys` is empty when it is about no zone."""

    id: int
    official_id: int
    official_name: str
    numbers: tuple[str, ...]
    zone_keys: str
    priority: Priority
    flow: str


def claim(session: Session, at: datetime.datetime) -> list[PendingCall]:
    """Claim the calls that are due, each for one claimant only; expire those that are too late."""
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
    for call in due:
        call.state = "calling"
    return [
        PendingCall(
            call.id,
            call.official_id,
            call.official.name,
            tuple(phone.number for phone in call.official.phones),
            call.zone_keys,
            Priority(call.priority),
            call.flow,
        )
        for call in due
    ]


def next_due(session: Session) -> datetime.datetime | None:
    """Return when the next call is due, or None."""
    return session.scalar(sa.select(sa.func.min(CallBack.due_at)).where(CallBack.state == "owed"))


def settle(session: Session, call_back_id: int, outcome: str) -> None:
    """Record the result of the call."""
    call = session.get_one(CallBack, call_back_id)
    call.state, call.outcome = "done", outcome[:200]


def expire_interrupted(session: Session) -> int:
    """Expire the calls that a dead switchboard was making; the official will call again."""
    interrupted = session.scalars(sa.select(CallBack).where(CallBack.state == "calling")).all()
    for call in interrupted:
        call.state, call.outcome = "expired", "the switchboard was restarted"
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
    call = CallBack(
        official_id=official.id,
        zone_keys=zone_keys,
        priority=priority,
        flow=flow,
        state="owed",
        due_at=due_at,
        expires_at=expires_at,
    )
    session.add(call)
    session.flush()
    return call
