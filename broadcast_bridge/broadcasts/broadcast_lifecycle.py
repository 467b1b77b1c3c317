"""Lifecycle of a broadcast: transitions, results of deliveries, and closing.

`starting` begins one. Nothing here knows how a speaker is called; the studio does that and reports.
"""

import datetime
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session, joinedload, selectinload

from broadcast_bridge.broadcasts import catch_up
from broadcast_bridge.broadcasts.hearing import heard_whole, resume_position
from broadcast_bridge.broadcasts.states import (
    BROADCAST,
    DELIVERY,
    BroadcastEvent,
    BroadcastState,
    DeliveryEvent,
    DeliveryState,
    Kind,
    Reason,
    reason_message,
)
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Speaker
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.locale import message
from haichieu.media import Media
from haichieu.state_machine import IllegalTransition

log = structlog.get_logger()

_BEGUN = [str(state) for state in BROADCAST.states if state not in {*BROADCAST.final_states, BROADCAST.initial}]


@dataclass(frozen=True)
class DeliveryUpdate:
    """Changes of one delivery since the studio's last report."""

    delivery_id: int
    events: tuple[DeliveryEvent, ...] = ()
    reason: Reason | None = None
    attempts: int = 0
    first_audio_at: datetime.datetime | None = None
    seconds: float = 0.0
    packets_sent: int = 0
    packets_lost: int | None = None
    jitter_ms: float | None = None


@dataclass(frozen=True)
class Outcome:
    """Result of a broadcast for the official. `reason` is None when the official ended it.

    Of the speakers in `heard`, which have played it, the `unconfirmed` ones have never reported that sound arrived.
    """

    heard: int
    total: int
    missed: tuple[str, ...]
    reason: Reason | None = None
    unconfirmed: int = 0


def advance(
    session: Session, broadcast_id: int, event: BroadcastEvent, at: datetime.datetime, reason: Reason | None = None
) -> Broadcast:
    """Apply an event to a broadcast. Raises IllegalTransition when its state does not allow it."""
    broadcast = session.get_one(Broadcast, broadcast_id)
    broadcast.state = BROADCAST.after(BroadcastState(broadcast.state), event)
    if event is BroadcastEvent.OPEN:
        broadcast.on_air_at = at
    if broadcast.state in BROADCAST.final_states:
        broadcast.ended_at = at
        broadcast.reason = reason
    if event is BroadcastEvent.FAIL:
        _raise_failure(session, broadcast, reason or Reason.INTERNAL_ERROR)
    return broadcast


def voice_is_on(session: Session, broadcast_id: int, at: datetime.datetime) -> None:
    """Record that the chime is over and the voice or the recording has begun."""
    session.get_one(Broadcast, broadcast_id).live_at = at


def apply_updates(session: Session, updates: Iterable[DeliveryUpdate]) -> None:
    """Store the studio's reports about deliveries. Closed deliveries remain unchanged.

    An event that the state of its delivery does not allow is passed over, so that it keeps no report from being stored.
    """
    by_id = {update.delivery_id: update for update in updates}
    for delivery in session.scalars(sa.select(Delivery).where(Delivery.id.in_(by_id), Delivery.active)):
        update = by_id[delivery.id]
        for event in update.events:
            try:
                delivery.state = DELIVERY.after(DeliveryState(delivery.state), event)
            except IllegalTransition as problem:
                log.warning("delivery.event_passed_over", delivery=delivery.id, problem=str(problem))
        delivery.reason = update.reason
        delivery.attempts = update.attempts
        delivery.first_audio_at = delivery.first_audio_at or update.first_audio_at
        delivery.seconds = update.seconds
        delivery.packets_sent = update.packets_sent
        delivery.packets_lost = update.packets_lost
        delivery.jitter_ms = update.jitter_ms


def close_deliveries(
    session: Session, broadcast_id: int, at: datetime.datetime, broke_off: Reason | None = None
) -> Outcome:
    """Set the final state of every delivery of a broadcast, and release its speaker.

    A live voice that is playing has played; of a recording, the speaker must have heard all that was on air, and all
    there was if it `broke_off` before its end. A speaker that heard a part failed; one that heard nothing missed it.
    """
    broadcast = session.get_one(
        Broadcast, broadcast_id, options=[selectinload(Broadcast.sounds).joinedload(BroadcastSound.media)]
    )
    deliveries = session.scalars(
        sa.select(Delivery)
        .where(Delivery.broadcast_id == broadcast_id)
        .options(joinedload(Delivery.speaker))
        .order_by(Delivery.id)
    ).all()
    for delivery in deliveries:
        if delivery.active:
            event = _result(broadcast, delivery, at, broke_off)
            delivery.state = DELIVERY.after(DeliveryState(delivery.state), event)
            delivery.active = False
            delivery.ended_at = at
        elif _was_taken_at_the_end(broadcast, delivery):
            delivery.state = DELIVERY.after(DeliveryState(delivery.state), DeliveryEvent.FINISH)
    return outcome_of(deliveries)


def _result(broadcast: Broadcast, delivery: Delivery, at: datetime.datetime, broke_off: Reason | None) -> DeliveryEvent:
    """Return how a delivery ends, and store the reason and where a recording that broke off continues."""
    playing = delivery.state == DeliveryState.PLAYING
    if broadcast.kind == Kind.LIVE:
        whole = playing and delivery.reason is None  # with a reason, it got no sound at the end
    else:
        whole = _continued(broadcast, broke_off) and heard_whole(
            broadcast, delivery, at, complete=broke_off is not None
        )
    if whole:
        delivery.reason = None
        return DeliveryEvent.FINISH
    if delivery.first_audio_at is None and not playing:
        delivery.reason = delivery.reason or _why_missed(delivery.speaker)
        return DeliveryEvent.MISS
    if playing and broke_off and _continued(broadcast, broke_off):
        delivery.resume_at_seconds = resume_position(broadcast, delivery, at)
    delivery.reason = (
        (broke_off or delivery.reason or Reason.HEARD_IN_PART) if playing else delivery.reason or Reason.DROPPED
    )
    return DeliveryEvent.FAIL


def _continued(broadcast: Broadcast, broke_off: Reason | None) -> bool:
    """Return False when nobody knows what was played: without the switchboard, Asterisk ends only the current sound."""
    several = len(broadcast.sounds) > 1 or broadcast.times != 1
    return not (several and broke_off is Reason.SWITCHBOARD_RESTARTED)


def _was_taken_at_the_end(broadcast: Broadcast, delivery: Delivery) -> bool:
    if broadcast.kind != Kind.RECORDED or delivery.state != DeliveryState.PRE_EMPTED or delivery.ended_at is None:
        return False
    return heard_whole(broadcast, delivery, delivery.ended_at, complete=True)


def outcome_of(deliveries: Sequence[Delivery], reason: Reason | None = None) -> Outcome:
    """Count the speakers that heard it, and name those that did not."""
    heard = (DeliveryState.PLAYED, DeliveryState.CAUGHT_UP)
    missed = tuple(delivery.speaker.name for delivery in deliveries if delivery.state not in heard)
    unconfirmed = sum(delivery.heard is None for delivery in deliveries)
    return Outcome(len(deliveries) - len(missed), len(deliveries), missed, reason, unconfirmed)


def _why_missed(speaker: Speaker) -> Reason:
    return Reason.NO_ANSWER if speaker.reachable else Reason.NOT_REGISTERED


def is_open(broadcast: Broadcast) -> bool:
    """Return whether a broadcast has not ended yet."""
    return broadcast.state not in BROADCAST.final_states


def speakers_playing(session: Session, broadcast_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Return, by broadcast, how many of its speakers play now and how many it has; no entry where it has none."""
    counted = session.execute(
        sa.select(
            Delivery.broadcast_id, sa.func.count().filter(Delivery.state == DeliveryState.PLAYING), sa.func.count()
        )
        .where(Delivery.broadcast_id.in_(broadcast_ids))
        .group_by(Delivery.broadcast_id)
    )
    return {number: (playing, total) for number, playing, total in counted}


def open_broadcasts(session: Session) -> list[int]:
    """Return the ids of the broadcasts that are on air or calling; those planned for later are not included."""
    return list(session.scalars(sa.select(Broadcast.id).where(Broadcast.state.in_(_BEGUN)).order_by(Broadcast.id)))


def finish(
    session: Session, broadcast_id: int, event: BroadcastEvent, at: datetime.datetime, reason: Reason | None = None
) -> Outcome:
    """Close a broadcast with all its deliveries, also in the log of the broadcast that it catches up.

    One whose end cannot be computed is closed as failed: its speakers must not count as taken for ever. Raises
    IllegalTransition for one that has ended.
    """
    try:
        with session.begin_nested():
            return _finish(session, broadcast_id, event, at, reason)
    except (sa.exc.DBAPIError, sa.exc.TimeoutError):
        raise  # the caller tries again
    except Exception:
        if not is_open(session.get_one(Broadcast, broadcast_id, populate_existing=True)):
            raise
        log.exception("broadcast.abandoned", broadcast=broadcast_id)
    return _abandon(session, broadcast_id, at)


def _finish(
    session: Session, broadcast_id: int, event: BroadcastEvent, at: datetime.datetime, reason: Reason | None
) -> Outcome:
    broke_off = reason if event is BroadcastEvent.FAIL or reason is Reason.STATION_STOPPED else None
    outcome = close_deliveries(session, broadcast_id, at, broke_off)
    broadcast = advance(session, broadcast_id, event, at, reason)
    catch_up.settle(session, broadcast, at)
    return replace(outcome, reason=reason)


def _abandon(session: Session, broadcast_id: int, at: datetime.datetime) -> Outcome:
    """Close a broadcast as failed, whatever states it and its deliveries are in."""
    broadcast = session.get_one(Broadcast, broadcast_id)
    broadcast.state, broadcast.reason, broadcast.ended_at = BroadcastState.FAILED, Reason.INTERNAL_ERROR, at
    for delivery in broadcast.deliveries:
        if delivery.active:
            delivery.state, delivery.reason = DeliveryState.FAILED, Reason.INTERNAL_ERROR
            delivery.active, delivery.ended_at = False, at
    _raise_failure(session, broadcast, Reason.INTERNAL_ERROR)
    return outcome_of(broadcast.deliveries, Reason.INTERNAL_ERROR)


def _raise_failure(session: Session, broadcast: Broadcast, reason: Reason) -> None:
    text = message("broadcast.failed", zones=broadcast.zone_names, reason=reason_message(reason))
    raise_alarm(session, AlarmKind.BROADCAST_FAILED, f"broadcast:{broadcast.id}", text)


def close_orphan(session: Session, broadcast_id: int, reason: Reason, at: datetime.datetime) -> None:
    """Close a broadcast whose switchboard died, as failed for `reason`.

    When only the switchboard died, Asterisk kept the voice on air: seconds are counted up to `at`.
    """
    broadcast = session.get_one(Broadcast, broadcast_id)
    for delivery in broadcast.deliveries:
        playing = delivery.active and delivery.state == DeliveryState.PLAYING and delivery.reason is None
        if playing and delivery.first_audio_at and reason is Reason.SWITCHBOARD_RESTARTED:
            delivery.seconds = max(delivery.seconds, (at - delivery.first_audio_at).total_seconds())
    finish(session, broadcast_id, BroadcastEvent.FAIL, at, reason)


def attach_recording(session: Session, broadcast_id: int, recording: Media) -> None:
    session.get_one(Broadcast, broadcast_id).recording_id = recording.id


def last_broadcast_of(session: Session, official_id: int) -> Broadcast | None:
    """Return the official's newest broadcast that is over."""
    return session.scalar(
        sa.select(Broadcast)
        .where(Broadcast.official_id == official_id, Broadcast.ended_at.is_not(None))
        .order_by(Broadcast.id.desc())
        .limit(1)
    )
