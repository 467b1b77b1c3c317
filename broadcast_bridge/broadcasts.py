"""The life of a broadcast, as rules over rows: who may begin one, what follows what, how it is closed.

Nothing here knows how a speaker is called; the studio does that and reports what happened.
"""

import datetime
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.states import (
    BROADCAST,
    DELIVERY,
    BroadcastEvent,
    BroadcastState,
    DeliveryEvent,
    DeliveryState,
    Priority,
    Reason,
)
from broadcast_bridge.zones import ZoneChoice
from haichieu import audit
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.errors import HaiChieuError
from haichieu.media import Media
from haichieu.people import Official, Right


class BroadcastRefused(HaiChieuError):
    """The broadcast may not begin."""


class LiveNotAllowed(BroadcastRefused):
    """The official has no right to go live."""


class NoReachableSpeaker(BroadcastRefused):
    """Nobody would hear it."""


class ZoneBusy(BroadcastRefused):
    """Some of the speakers are in another broadcast; `on_air` is the name of the official who speaks there."""

    def __init__(self, on_air: str) -> None:
        super().__init__(f"{on_air} is on air in this zone")
        self.on_air = on_air


@dataclass(frozen=True)
class DeliveryUpdate:
    """What the studio learned about one delivery since it last reported."""

    delivery_id: int
    events: tuple[DeliveryEvent, ...] = ()
    reason: Reason | None = None
    attempts: int = 0
    first_audio_at: datetime.datetime | None = None
    seconds: float = 0.0
    packets_sent: int = 0
    packets_lost: int = 0
    jitter_ms: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How a broadcast went, as the official hears it. `reason` is None when the official ended it."""

    heard: int
    total: int
    missed: tuple[str, ...]
    reason: Reason | None = None


def plan_live(
    session: Session, official: Official, zone: ZoneChoice, priority: Priority, at: datetime.datetime
) -> Broadcast:
    """Take the zone's speakers for a live broadcast and return it, in state `planned`, with its deliveries.

    Raises LiveNotAllowed, NoReachableSpeaker or ZoneBusy, and then nothing has changed.
    """
    if not official.may_do(Right.LIVE):
        raise LiveNotAllowed(f"{official.code} may not go live")
    if zone.reachable == 0:
        raise NoReachableSpeaker(f"no speaker of {zone.name} is reachable")
    refuse_if_busy(session, zone)
    broadcast = Broadcast(
        official_id=official.id,
        zone_names=zone.name,
        priority=priority,
        state=BROADCAST.initial,
        created_at=at,
        deliveries=[Delivery(speaker=speaker, state=DELIVERY.initial) for speaker in zone.speakers],
    )
    try:
        with session.begin_nested():
            session.add(broadcast)
    except IntegrityError:
        # Somebody took one of the speakers between our look and our write: the index decided who was first.
        refuse_if_busy(session, zone)
        raise
    audit.record(
        session,
        f"official:{official.code}",
        "broadcast.live",
        f"broadcast:{broadcast.id}",
        zone=zone.name,
        speakers=zone.total,
    )
    return broadcast


def refuse_if_busy(session: Session, zone: ZoneChoice) -> None:
    """Raise ZoneBusy when a speaker of the zone is in somebody's broadcast."""
    on_air = session.scalar(
        sa.select(Official.name)
        .join(Broadcast, Broadcast.official_id == Official.id)
        .join(Delivery, Delivery.broadcast_id == Broadcast.id)
        .where(Delivery.active, Delivery.speaker_id.in_([speaker.id for speaker in zone.speakers]))
        .limit(1)
    )
    if on_air is not None:
        raise ZoneBusy(on_air)


def advance(
    session: Session, broadcast_id: int, event: BroadcastEvent, at: datetime.datetime, reason: Reason | None = None
) -> Broadcast:
    """Let an event happen to a broadcast. Raises IllegalTransition when it has no place there."""
    broadcast = session.get_one(Broadcast, broadcast_id)
    broadcast.state = BROADCAST.after(BroadcastState(broadcast.state), event)
    if event is BroadcastEvent.OPEN:
        broadcast.on_air_at = at
    if broadcast.state in BROADCAST.final_states:
        broadcast.ended_at = at
        broadcast.reason = reason
    if event is BroadcastEvent.FAIL:
        raise_alarm(
            session,
            AlarmKind.BROADCAST_FAILED,
            f"broadcast:{broadcast.id}",
            f"{broadcast.zone_names}: {reason}",
        )
    return broadcast


def voice_is_on(session: Session, broadcast_id: int, at: datetime.datetime) -> None:
    """The chime is over and the official's voice is on the speakers from this moment on."""
    session.get_one(Broadcast, broadcast_id).live_at = at


def apply_updates(session: Session, updates: Iterable[DeliveryUpdate]) -> None:
    """Write what the studio learned about deliveries. Ones that are closed already are left as they are."""
    by_id = {update.delivery_id: update for update in updates}
    for delivery in session.scalars(sa.select(Delivery).where(Delivery.id.in_(by_id), Delivery.active)):
        update = by_id[delivery.id]
        for event in update.events:
            delivery.state = DELIVERY.after(DeliveryState(delivery.state), event)
        delivery.reason = update.reason
        delivery.attempts = update.attempts
        delivery.first_audio_at = delivery.first_audio_at or update.first_audio_at
        delivery.seconds = update.seconds
        delivery.packets_sent = update.packets_sent
        delivery.packets_lost = update.packets_lost
        delivery.jitter_ms = update.jitter_ms


def close_deliveries(session: Session, broadcast_id: int, at: datetime.datetime) -> Outcome:
    """Give every delivery of a broadcast its final state, and its speaker back.

    One that plays now has played; one that was heard and dropped out failed; one that never began was missed.
    """
    deliveries = session.scalars(
        sa.select(Delivery)
        .where(Delivery.broadcast_id == broadcast_id)
        .options(joinedload(Delivery.speaker))
        .order_by(Delivery.id)
    ).all()
    for delivery in deliveries:
        if not delivery.active:
            continue
        state = DeliveryState(delivery.state)
        if state is DeliveryState.PLAYING:
            event = DeliveryEvent.FINISH
        elif delivery.first_audio_at is not None:
            event = DeliveryEvent.FAIL
            delivery.reason = delivery.reason or Reason.DROPPED
        else:
            event = DeliveryEvent.MISS
            delivery.reason = delivery.reason or _why_missed(delivery.speaker)
        delivery.state = DELIVERY.after(state, event)
        delivery.active = False
        delivery.ended_at = at
    return outcome_of(deliveries)


def outcome_of(deliveries: Sequence[Delivery], reason: Reason | None = None) -> Outcome:
    """Count who heard it, and name who did not."""
    missed = tuple(delivery.speaker.name for delivery in deliveries if delivery.state != DeliveryState.PLAYED)
    return Outcome(len(deliveries) - len(missed), len(deliveries), missed, reason)


def _why_missed(speaker: Speaker) -> Reason:
    return Reason.NO_ANSWER if speaker.reachable else Reason.NOT_REGISTERED


def open_broadcasts(session: Session, besides: Collection[int] = ()) -> list[int]:
    """Return the ids of the broadcasts that have not ended, without those named."""
    open_states = [str(state) for state in BROADCAST.states if state not in BROADCAST.final_states]
    found = session.scalars(sa.select(Broadcast.id).where(Broadcast.state.in_(open_states)).order_by(Broadcast.id))
    return [broadcast_id for broadcast_id in found if broadcast_id not in besides]


def close_orphan(session: Session, broadcast_id: int, reason: Reason, at: datetime.datetime) -> None:
    """Close a broadcast whose switchboard died, as failed for `reason`.

    When only the switchboard died, Asterisk kept the voice on air: seconds are counted up to `at`.
    """
    broadcast = session.get_one(Broadcast, broadcast_id)
    for delivery in broadcast.deliveries:
        playing = delivery.active and delivery.state == DeliveryState.PLAYING
        if playing and delivery.first_audio_at and reason is Reason.SWITCHBOARD_RESTARTED:
            delivery.seconds = max(delivery.seconds, (at - delivery.first_audio_at).total_seconds())
    close_deliveries(session, broadcast_id, at)
    advance(session, broadcast_id, BroadcastEvent.FAIL, at, reason)


def attach_recording(session: Session, broadcast_id: int, recording: Media) -> None:
    """Say which file holds what was spoken."""
    session.get_one(Broadcast, broadcast_id).recording_id = recording.id


def last_broadcast_of(session: Session, official_id: int) -> Broadcast | None:
    """Return the official's newest broadcast that is over."""
    return session.scalar(
        sa.select(Broadcast)
        .where(Broadcast.official_id == official_id, Broadcast.ended_at.is_not(None))
        .order_by(Broadcast.id.desc())
        .limit(1)
    )
