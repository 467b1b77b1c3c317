"""Store and forward: broadcasts for speakers that missed an earlier one, while it is worth hearing.

A recorded broadcast is pending for a speaker that missed it, dropped out of it, or was taken by a more urgent one. It
is delivered by a broadcast of its own (`Broadcast.again_of_id`), so that the second airing is proven as well as the
first; then the first delivery is `caught_up`.
"""

import datetime
from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, contains_eager

from broadcast_bridge.broadcasts.states import (
    BROADCAST,
    DELIVERY,
    AfterCut,
    BroadcastEvent,
    BroadcastState,
    DeliveryEvent,
    DeliveryState,
    Kind,
    Priority,
    Reason,
)
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Speaker
from broadcast_bridge.speakers.quiet_hours import speakers_may_sound

LONGEST_PAUSE = datetime.timedelta(minutes=30)
FIRST_PAUSE = datetime.timedelta(seconds=30)
"""Pause before a speaker that did not answer is tried again; doubled each time, up to `LONGEST_PAUSE`."""

_CAN_BE_CAUGHT_UP = (BroadcastState.ENDED, BroadcastState.PRE_EMPTED, BroadcastState.FAILED)
_NOT_HEARD = (DeliveryState.MISSED, DeliveryState.FAILED, DeliveryState.PRE_EMPTED)
_NOT_WANTED = (Reason.SILENCED, Reason.QUIET_HOURS, Reason.ACKNOWLEDGED)


def pending(session: Session, at: datetime.datetime, node: str) -> list[Delivery]:
    """Return the deliveries that can be caught up now, the most urgent and then the oldest first.

    Their speakers are reachable from this switchboard and in no broadcast.
    """
    busy = aliased(Delivery)
    found = session.scalars(
        sa.select(Delivery)
        .join(Delivery.broadcast)
        .join(Delivery.speaker)
        .options(contains_eager(Delivery.broadcast), contains_eager(Delivery.speaker))
        .where(
            *_to_catch_up(at),
            Delivery.try_again_at.is_(None) | (Delivery.try_again_at <= at),
            Speaker.removed_at.is_(None),
            sa.or_(
                (Speaker.multicast == "") & Speaker.reachable & Speaker.node.in_(["", node]),
                (Speaker.multicast != "") & (Broadcast.node == node),
            ),
            ~sa.exists().where(busy.speaker_id == Delivery.speaker_id, busy.active),
        )
        .order_by(Broadcast.created_at, Delivery.id)
    ).all()
    return sorted(found, key=lambda delivery: -delivery.broadcast.precedence)


def next_try(session: Session, at: datetime.datetime) -> datetime.datetime | None:
    """Return when a speaker that did not answer is to be tried again."""
    return session.scalar(
        sa.select(sa.func.min(Delivery.try_again_at))
        .join(Delivery.broadcast)
        .where(*_to_catch_up(at), Delivery.try_again_at > at)
    )


def begin(session: Session, at: datetime.datetime, node: str) -> list[Broadcast]:
    """Begin, in state `calling`, the broadcasts that bring each free speaker the first one pending for it."""
    served: set[int] = set()
    groups: dict[tuple[int, float], list[Delivery]] = defaultdict(list)
    for delivery in pending(session, at, node):
        priority = Priority(delivery.broadcast.priority)
        if delivery.speaker_id not in served and speakers_may_sound(session, [delivery.speaker], priority, at).speakers:
            served.add(delivery.speaker_id)
            groups[delivery.broadcast_id, _offset(delivery)].append(delivery)
    return [_again(session, deliveries, offset, at, node) for (_, offset), deliveries in groups.items()]


def settle(session: Session, again: Broadcast, at: datetime.datetime) -> None:
    """Record the result of a closed second airing in the log of the first broadcast."""
    if again.again_of_id is None:
        return
    session.flush()
    originals = {
        delivery.speaker_id: delivery
        for delivery in session.scalars(sa.select(Delivery).where(Delivery.broadcast_id == again.again_of_id))
    }
    for delivery in again.deliveries:
        original = originals[delivery.speaker_id]
        if delivery.state == DeliveryState.PLAYED:
            original.state = DELIVERY.after(DeliveryState(original.state), DeliveryEvent.CATCH_UP)
            original.seconds = round(original.resume_at_seconds * (again.offset_seconds > 0) + delivery.seconds, 3)
            original.first_audio_at = original.first_audio_at or delivery.first_audio_at
        elif delivery.state == DeliveryState.PRE_EMPTED:
            original.resume_at_seconds = delivery.resume_at_seconds
        else:
            original.tries_again += 1
            original.try_again_at = at + min(FIRST_PAUSE * 2 ** (original.tries_again - 1), LONGEST_PAUSE)


def _to_catch_up(at: datetime.datetime) -> Sequence[sa.ColumnElement[bool]]:
    return (
        Broadcast.kind == Kind.RECORDED,
        Broadcast.again_of_id.is_(None),
        Broadcast.worth_hearing_until > at,
        Broadcast.state.in_(_CAN_BE_CAUGHT_UP),
        Broadcast.stop_asked_at.is_(None),
        Delivery.state.in_(_NOT_HEARD),
        Delivery.reason.is_(None) | Delivery.reason.not_in(_NOT_WANTED),
        (Delivery.state != DeliveryState.PRE_EMPTED) | (Broadcast.after_cut != AfterCut.DROP),
    )


def _offset(delivery: Delivery) -> float:
    """Return the position in the sound at which the second airing begins, in seconds."""
    resumes = delivery.broadcast.after_cut == AfterCut.RESUME and delivery.broadcast.times == 1
    return round(delivery.resume_at_seconds, 1) if resumes else 0.0


def _again(
    session: Session, deliveries: Sequence[Delivery], offset: float, at: datetime.datetime, node: str
) -> Broadcast:
    first = deliveries[0].broadcast
    again = Broadcast(
        kind=Kind.RECORDED,
        title=first.title,
        asked_by=first.asked_by,
        zone_names=", ".join(delivery.speaker.name for delivery in deliveries),
        speaker_codes=[delivery.speaker.code for delivery in deliveries],
        priority=first.priority,
        state=BROADCAST.after(BroadcastState.PLANNED, BroadcastEvent.CALL_SPEAKERS),
        node=node,
        created_at=at,
        due_at=at,
        sounds=[BroadcastSound(position=sound.position, media_id=sound.media_id) for sound in first.sounds],
        siren=first.siren,
        times=max(first.times, 1),
        pause_seconds=first.pause_seconds,
        after_cut=first.after_cut,
        again_of_id=first.id,
        offset_seconds=offset,
        deliveries=[Delivery(speaker=delivery.speaker, state=DELIVERY.initial) for delivery in deliveries],
    )
    session.add(again)
    session.flush()
    return again
