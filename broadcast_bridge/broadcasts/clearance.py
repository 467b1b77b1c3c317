"""Clearance for the air: decides at the moment of airing whether a broadcast may be played.

Every broadcast passes through `refusals`: one that is due or waits for its speakers, one that is on air, and one that
speakers missed. `speakers.quiet_hours` decides which of its speakers must be silent.
"""

import datetime
from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.models import CapAlert
from broadcast_bridge.alerts.states import OUT_OF_FORCE
from broadcast_bridge.broadcasts.states import BroadcastState, Priority, Reason
from broadcast_bridge.models import Broadcast, BroadcastSound
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.schedule.models import Occurrence, Schedule
from haichieu.account_rights import Action, may
from haichieu.people import Account

ACCOUNT = "account:"
"""Prefix of the actor of a broadcast that was requested by an account of the panel."""


def refusal(session: Session, broadcast: Broadcast, at: datetime.datetime) -> Reason | None:
    """Return why a broadcast may not be played at the given time, or None."""
    return refusals(session, [broadcast], at).get(broadcast.id)


def refusals(session: Session, broadcasts: Collection[Broadcast], at: datetime.datetime) -> Mapping[int, Reason]:
    """Return the broadcasts that may not be played at the given time, with the reason, in a fixed number of queries."""
    if not broadcasts:
        return {}
    firsts = {one.id: one.again_of_id or one.id for one in broadcasts}
    stopped = set(
        session.scalars(
            sa.select(Broadcast.id).where(Broadcast.id.in_(firsts.values()), Broadcast.stop_asked_at.is_not(None))
        )
    )
    programmes = _programmes_refused(session, firsts, at)
    alerts = _alerts_over(session, firsts.values(), at)
    removed = _schedules_removed(session, [one.id for one in broadcasts if one.state == BroadcastState.PLANNED])
    accounts = _accounts_asking(session, broadcasts)
    found: dict[int, Reason] = {}
    for one in broadcasts:
        if one.id in programmes:
            found[one.id] = programmes[one.id]
        elif firsts[one.id] in alerts:
            found[one.id] = Reason.ALERT_OVER
        elif one.id in removed:
            found[one.id] = Reason.SCHEDULE_REMOVED
        elif not _may_still_ask(one, accounts):
            found[one.id] = Reason.NOT_ALLOWED
        elif one.stop_asked_at is not None or firsts[one.id] in stopped:
            found[one.id] = Reason.STOPPED
    return found


def programme_refusal(state: str, valid_until: datetime.datetime | None, at: datetime.datetime) -> Reason | None:
    """Return why a programme in this state, valid until then, may not be played at the given time, or None."""
    if state == ProgrammeState.WITHDRAWN:
        return Reason.WITHDRAWN
    if valid_until is not None and valid_until <= at:
        return Reason.EXPIRED
    return None if state == ProgrammeState.APPROVED else Reason.NOT_APPROVED


def next_expiry(session: Session, on_air: Collection[int], at: datetime.datetime) -> datetime.datetime | None:
    """Return when the first programme of the broadcasts on air expires."""
    return session.scalar(
        sa.select(sa.func.min(Programme.valid_until))
        .join(BroadcastSound, BroadcastSound.programme_id == Programme.id)
        .where(BroadcastSound.broadcast_id.in_(on_air), Programme.valid_until > at)
    )


def _programmes_refused(session: Session, numbers: Iterable[int], at: datetime.datetime) -> dict[int, Reason]:
    rows = session.execute(
        sa.select(
            BroadcastSound.broadcast_id,
            BroadcastSound.media_id,
            Programme.sound_id,
            Programme.state,
            Programme.valid_until,
        )
        .join(Programme, BroadcastSound.programme_id == Programme.id)
        .where(BroadcastSound.broadcast_id.in_(numbers))
    )
    found: dict[int, Reason] = {}
    for number, requested, current, state, valid_until in rows:
        reason = programme_refusal(state, valid_until, at)
        if reason is Reason.WITHDRAWN:
            found[number] = reason
        elif reason is not None:
            found.setdefault(number, reason)
        elif requested != current:  # a changed sound needs another approval
            found.setdefault(number, Reason.NOT_APPROVED)
    return found


def _alerts_over(session: Session, numbers: Iterable[int], at: datetime.datetime) -> set[int]:
    over = CapAlert.state.in_(OUT_OF_FORCE) | (CapAlert.expires_at <= at)
    return set(session.scalars(sa.select(CapAlert.broadcast_id).where(CapAlert.broadcast_id.in_(numbers), over)))


def _schedules_removed(session: Session, planned: Collection[int]) -> set[int | None]:
    """Return those of the planned broadcasts whose schedule was removed or disabled since."""
    gone = Schedule.removed_at.is_not(None) | ~Schedule.enabled
    return set(
        session.scalars(
            sa.select(Occurrence.broadcast_id)
            .join(Occurrence.schedule)
            .where(Occurrence.broadcast_id.in_(planned), gone)
        )
    )


def _accounts_asking(session: Session, broadcasts: Iterable[Broadcast]) -> dict[str, Account]:
    emails = {one.asked_by.removeprefix(ACCOUNT) for one in broadcasts if one.asked_by.startswith(ACCOUNT)}
    if not emails:
        return {}
    return {account.email: account for account in session.scalars(sa.select(Account).where(Account.email.in_(emails)))}


def _may_still_ask(broadcast: Broadcast, accounts: Mapping[str, Account]) -> bool:
    """Return whether the account that requested it is in use and still has a right to broadcast."""
    if not broadcast.asked_by.startswith(ACCOUNT):
        return True
    account = accounts.get(broadcast.asked_by.removeprefix(ACCOUNT))
    if account is None or not account.password_hash:
        return False
    if broadcast.priority == Priority.EMERGENCY:
        return may(account, Action.EMERGENCY)
    return may(account, Action.AIR) or may(account, Action.ANNOUNCE)
