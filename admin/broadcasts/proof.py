"""Content of a broadcast's page: each speaker's delivery, with the later delivery that caught up."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from admin.access.visitors import Visitor
from admin.broadcasts.scope import units_of_broadcast
from broadcast_bridge.broadcasts import catch_up
from broadcast_bridge.broadcasts.broadcast_lifecycle import is_open
from broadcast_bridge.broadcasts.log import when
from broadcast_bridge.broadcasts.states import BroadcastState, DeliveryState, Kind
from broadcast_bridge.broadcasts.villages import former_units
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Speaker
from broadcast_bridge.programmes.approval import NotForTheAir
from broadcast_bridge.programmes.rebroadcast import NotAgain, what_again
from haichieu.account_rights import Action
from haichieu.locale import Message
from haichieu.unit_names import unit_names

SOON = datetime.timedelta(minutes=2)


@dataclass(frozen=True)
class Proof:
    """One delivery. `caught_up` is the later delivery that replaced it, `called_off` why there will be none."""

    code: str
    name: str
    unit: str
    state: str
    reason: str | None
    first_audio_at: datetime.datetime | None
    seconds: float
    heard: bool | None
    loss: float | None
    jitter_ms: float | None
    packets: int
    attempts: int
    called_off: str | None
    caught_up: Delivery | None

    @property
    def loss_percent(self) -> float | None:
        return None if self.loss is None else round(self.loss * 100, 2)

    @property
    def was_sent(self) -> bool:
        """Whether any sound was sent to the speaker."""
        return self.first_audio_at is not None

    @property
    def unknown(self) -> bool:
        """Whether sound was sent to a speaker that never reported anything."""
        return self.first_audio_at is not None and self.loss is None


@dataclass(frozen=True)
class Missing:
    """How many speakers that missed a broadcast will still get it, and whether the visitor may call it off."""

    count: int
    may_call_off: bool


@dataclass(frozen=True)
class MayAgain:
    """Whether the visitor may repeat a past broadcast or save its recording, or why not."""

    air: bool
    keep: bool
    why_not: Message | None = None


def proof_of(session: Session, visitor: Visitor, broadcast: Broadcast) -> list[Proof]:
    """Return the complete proof of a broadcast that the visitor may see, including speakers in other units."""
    deliveries = session.scalars(
        sa.select(Delivery)
        .join(Delivery.speaker)
        .where(Delivery.broadcast_id == broadcast.id)
        .options(joinedload(Delivery.speaker))
        .order_by(Speaker.code)
    )
    later = {
        one.speaker_id: one
        for one in session.scalars(
            sa.select(Delivery)
            .join(Delivery.broadcast)
            .where(Broadcast.again_of_id == broadcast.id, Delivery.state == DeliveryState.PLAYED)
            .order_by(Delivery.id)
        )
    }
    names, formerly = unit_names(session), former_units(session, when(broadcast))
    return [
        Proof(
            one.speaker.code, one.speaker.name,
            str(names[formerly.get(one.speaker_id, one.speaker.unit_id)]), one.state, one.reason,
            one.first_audio_at, one.seconds, one.heard, one.loss, one.jitter_ms if one.first_audio_at else None,
            one.packets_sent, one.attempts, one.called_off, later.get(one.speaker_id),
        )
        for one in deliveries
    ]  # fmt: skip


def sounds_of(session: Session, broadcast: Broadcast) -> Sequence[int]:
    """Return the media ids of what was aired, in order: the recording of a live voice, or the sounds of the others."""
    if broadcast.recording_id is not None:
        return [broadcast.recording_id]
    sounds = sa.select(BroadcastSound.media_id).where(BroadcastSound.broadcast_id == broadcast.id)
    return session.scalars(sounds.order_by(BroadcastSound.position)).all()


def may_stop(session: Session, visitor: Visitor, broadcast: Broadcast) -> bool:
    """Return whether the visitor may stop a broadcast that is planned or on air."""
    if not is_open(broadcast) or broadcast.stop_asked_at is not None or not visitor.may(Action.AIR):
        return False
    return units_of_broadcast(session, broadcast.id) <= visitor.units


def changes_soon(broadcast: Broadcast, at: datetime.datetime) -> bool:
    """Return whether the page of a broadcast changes by itself: it is on air, or about to be."""
    if broadcast.state != BroadcastState.PLANNED:
        return is_open(broadcast)
    return (broadcast.due_at or at) <= at + SOON


def missing_of(session: Session, visitor: Visitor, broadcast: Broadcast, at: datetime.datetime) -> Missing:
    """Return for how many speakers a broadcast that is over is still pending."""
    count = catch_up.missing_later(session, broadcast, at)
    mine = visitor.may(Action.AIR) and units_of_broadcast(session, broadcast.id) <= visitor.units
    return Missing(count, count > 0 and mine)


def may_air_again(session: Session, visitor: Visitor, broadcast: Broadcast, at: datetime.datetime) -> MayAgain:
    """Return what the visitor may do to air the broadcast again."""
    if is_open(broadcast) or broadcast.again_of_id is not None:
        return MayAgain(False, False)
    if broadcast.kind == Kind.LIVE:
        return MayAgain(False, broadcast.recording_id is not None and visitor.may(Action.EDIT))
    if not (visitor.may(Action.AIR) and units_of_broadcast(session, broadcast.id) <= visitor.units):
        return MayAgain(False, False)
    try:
        again = what_again(session, broadcast, at)
    except (NotAgain, NotForTheAir) as refusal:
        return MayAgain(False, False, refusal.message)
    return MayAgain(again.was_approved or visitor.may(Action.ANNOUNCE), False)
