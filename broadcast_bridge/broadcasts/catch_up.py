"""Store and forward: broadcasts for speakers that missed an earlier one, while it is worth hearing.

A recorded broadcast is pending for a speaker that missed it, heard only a part of it, or was taken by a more urgent
one. It is delivered by a broadcast of its own (`Broadcast.again_of_id`), so that the second airing is proven as well as
the first; then the first delivery is `caught_up`. One that may not be played any more (see `clearance`) is called off.
"""

import datetime
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from broadcast_bridge.broadcasts import clearance
from broadcast_bridge.broadcasts.hearing import is_worth_resuming
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
    precedence,
)
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Speaker, SpokenRest
from broadcast_bridge.speakers.quiet_hours import silent_speakers

LONGEST_PAUSE = datetime.timedelta(minutes=30)
FIRST_PAUSE = datetime.timedelta(seconds=30)
"""Pause before a speaker that did not answer is tried again; doubled each time, up to `LONGEST_PAUSE`."""

_CAN_BE_CAUGHT_UP = (BroadcastState.ENDED, BroadcastState.PRE_EMPTED, BroadcastState.FAILED)
_NOT_HEARD = (DeliveryState.MISSED, DeliveryState.FAILED, DeliveryState.PRE_EMPTED)
_NOT_WANTED = (Reason.SILENCED, Reason.QUIET_HOURS, Reason.ACKNOWLEDGED)


@dataclass(frozen=True)
class Pending:
    """A delivery that can be caught up now, as far as its speaker is concerned."""

    delivery_id: int
    broadcast_id: int
    speaker_id: int


def pending(session: Session, at: datetime.datetime, node: str) -> list[Pending]:
    """Return the first pending delivery of each free speaker, the most urgent and then the oldest first.

    The speakers are reachable from this switchboard, in no broadcast, and need not be silent now.
    """
    busy = aliased(Delivery)
    rows = session.execute(
        sa.select(Delivery.id, Delivery.broadcast_id, Delivery.speaker_id, Speaker.unit_id, Broadcast.priority)
        .join(Delivery.broadcast)
        .join(Delivery.speaker)
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
    silent = silent_speakers(session, {row.speaker_id: row.unit_id for row in rows}, at) if rows else {}
    found: dict[int, Pending] = {}
    for row in sorted(rows, key=lambda row: -precedence(Kind.RECORDED, Priority(row.priority))):
        if row.priority == Priority.EMERGENCY or row.speaker_id not in silent:
            found.setdefault(row.speaker_id, Pending(row.id, row.broadcast_id, row.speaker_id))
    return list(found.values())


def next_try(session: Session, at: datetime.datetime) -> datetime.datetime | None:
    """Return when a speaker that did not answer is to be tried again."""
    return session.scalar(
        sa.select(sa.func.min(Delivery.try_again_at))
        .join(Delivery.broadcast)
        .where(*_to_catch_up(at), Delivery.try_again_at > at)
    )


def begin(session: Session, at: datetime.datetime, node: str) -> list[Broadcast]:
    """Begin, in state `calling`, the broadcasts that bring each free speaker the first one pending for it.

    Those that may not be played any more are called off.
    """
    while wanted := pending(session, at, node):
        numbers = {one.broadcast_id for one in wanted}
        firsts = session.scalars(
            sa.select(Broadcast)
            .where(Broadcast.id.in_(numbers))
            .options(selectinload(Broadcast.sounds).joinedload(BroadcastSound.media))
        ).all()
        refused = clearance.refusals(session, firsts, at)
        if not refused:
            return _begin(session, wanted, at, node)
        for broadcast_id, reason in refused.items():
            call_off(session, [broadcast_id], reason, at)
        session.flush()
    return []


def add_deliveries(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert deliveries with one statement: SQLite has no faster way to insert objects than one by one."""
    if rows:
        session.execute(sa.insert(Delivery), rows)


def call_off(session: Session, broadcast_ids: Collection[int], reason: Reason, at: datetime.datetime) -> int:
    """Cancel later airings of broadcasts for the speakers that missed them, and return how many speakers these are."""
    missing = session.scalars(_left_of(broadcast_ids, at)).all()
    for delivery in missing:
        delivery.called_off = reason
    return len(missing)


def missing_later(session: Session, broadcast: Broadcast, at: datetime.datetime) -> int:
    """Return how many speakers that missed a broadcast will still get it."""
    if clearance.refusal(session, broadcast, at) is not None:
        return 0
    return len(session.scalars(_left_of([broadcast.id], at)).all())


def settle(session: Session, again: Broadcast, at: datetime.datetime) -> None:
    """Record the result of a closed second airing in the log of the first broadcast."""
    if again.again_of_id is None:
        return
    session.flush()
    speakers = [delivery.speaker_id for delivery in again.deliveries]
    originals = {
        delivery.speaker_id: delivery
        for delivery in session.scalars(
            sa.select(Delivery).where(Delivery.broadcast_id == again.again_of_id, Delivery.speaker_id.in_(speakers))
        )
    }
    was_cut = again.reason not in (None, Reason.ACKNOWLEDGED)
    for delivery in again.deliveries:
        original = originals[delivery.speaker_id]
        if delivery.state == DeliveryState.PLAYED and not was_cut:
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
        ~sa.exists().where(SpokenRest.broadcast_id == Broadcast.id),  # its end is still being spoken
        Broadcast.state.in_(_CAN_BE_CAUGHT_UP),
        Delivery.state.in_(_NOT_HEARD),
        Delivery.called_off.is_(None),
        Delivery.reason.is_(None) | Delivery.reason.not_in(_NOT_WANTED),
        (Delivery.state != DeliveryState.PRE_EMPTED) | (Broadcast.after_cut != AfterCut.DROP),
    )


def _left_of(broadcast_ids: Collection[int], at: datetime.datetime) -> sa.Select[Delivery]:
    return (
        sa.select(Delivery)
        .join(Delivery.broadcast)
        .where(Delivery.broadcast_id.in_(broadcast_ids), *_to_catch_up(at))
        .order_by(Delivery.id)
    )


def _begin(session: Session, wanted: Collection[Pending], at: datetime.datetime, node: str) -> list[Broadcast]:
    """Begin one broadcast for all speakers that need the same sounds from the same position."""
    deliveries = session.scalars(
        sa.select(Delivery)
        .where(Delivery.id.in_([one.delivery_id for one in wanted]))
        .options(joinedload(Delivery.speaker))
        .order_by(Delivery.id)
    )
    by_id = {delivery.id: delivery for delivery in deliveries}
    groups: dict[tuple[int, float], list[Delivery]] = defaultdict(list)
    for one in wanted:
        delivery = by_id[one.delivery_id]
        groups[delivery.broadcast_id, _offset(delivery)].append(delivery)
    begun = [_again(group, offset, at, node) for (_, offset), group in groups.items()]
    session.add_all(begun)
    session.flush()
    add_deliveries(
        session,
        [
            {"broadcast_id": again.id, "speaker_id": delivery.speaker_id, "state": DELIVERY.initial}
            for again, group in zip(begun, groups.values(), strict=True)
            for delivery in group
        ],
    )
    return begun


def _offset(delivery: Delivery) -> float:
    """Return the position in the sound at which the second airing begins, in seconds."""
    resumes = delivery.broadcast.after_cut == AfterCut.RESUME and delivery.broadcast.times == 1
    offset = round(delivery.resume_at_seconds, 1) if resumes else 0.0
    return offset if is_worth_resuming(delivery.broadcast, offset) else 0.0


def _again(deliveries: Sequence[Delivery], offset: float, at: datetime.datetime, node: str) -> Broadcast:
    first = deliveries[0].broadcast
    return Broadcast(
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
        sounds=[
            BroadcastSound(position=sound.position, media=sound.media, programme_id=sound.programme_id)
            for sound in first.sounds
        ],
        synthetic=first.synthetic,
        siren=first.siren,
        times=max(first.times, 1),
        pause_seconds=first.pause_seconds,
        after_cut=first.after_cut,
        again_of_id=first.id,
        offset_seconds=offset,
    )
