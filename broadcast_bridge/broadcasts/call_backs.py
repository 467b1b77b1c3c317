"""Pending calls to officials, each claimed once and then done or expired.

With call-back verification, a caller's number and PIN alone put nothing on air: the station hangs up and calls the
registered number, since a caller's number can be forged. An official who must choose a new PIN is called there too, and
one who may sign in on a call from the station only, after too many wrong PINs.
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

BETWEEN_SIGN_IN_CALLS = datetime.timedelta(minutes=2)
"""A caller who forges the number of an official cannot have that official called more often."""

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


def request_sign_in_call(session: Session, official_id: int, flow: str, at: datetime.datetime) -> int | None:
    """Request a call on which the official keys in the PIN; return its id. It is due when they have hung up.

    Returns None when a call to the official is pending, in progress or was made recently. It replaces no other call,
    since anybody who forges a caller ID can request it.
    """
    recent = sa.and_(CallBack.signs_in, CallBack.due_at > at - BETWEEN_SIGN_IN_CALLS)
    official = session.get_one(Official, official_id, with_for_update=True)
    pending = sa.select(CallBack.id).where(
        CallBack.official_id == official_id, sa.or_(CallBack.state.in_(["owed", "calling"]), recent)
    )
    if session.scalar(pending.limit(1)) is not None:
        return None
    call = _replace(session, official, "", Priority.NORMAL, flow, at + LONGEST_GOODBYE, at + VALID)
    call.signs_in = True
    audit.record(session, "switchboard", "official.sign_in_call", f"official:{official.code}")
    return call.id


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
    signs_in: bool = False
    """The official keys in the PIN on this call."""


def claim(session: Session, at: datetime.datetime, most: int = 10) -> list[PendingCall]:
    """Claim up to `most` calls that are due, each for one claimant only; expire those that are too late."""
    session.execute(
        sa.update(CallBack)
        .where(CallBack.state == "owed", CallBack.expires_at < at)
        .values(state="expired", outcome="too late")
    )
    due = session.scalars(
        sa.select(CallBack)
        .where(CallBack.state == "owed", CallBack.due_at <= at)
        .order_by(CallBack.id)
        .limit(most)
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
            call.signs_in,
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
