"""Content of a broadcast's page: each speaker's delivery, with the later delivery that caught up."""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from admin.access.visitors import Visitor
from admin.broadcasts.scope import units_of_broadcast
from broadcast_bridge.broadcasts import catch_up
from broadcast_bridge.broadcasts.broadcast_lifecycle import is_open
from broadcast_bridge.broadcasts.states import DeliveryState, Kind
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.programmes.approval import NotForTheAir
from broadcast_bridge.programmes.rebroadcast import NotAgain, what_again
from haichieu.account_rights import Action
from haichieu.locale import Message


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
    attempts: int
    called_off: str | None
    caught_up: Delivery | None

    @property
    def loss_percent(self) -> float | None:
        return None if self.loss is None else round(self.loss * 100, 2)

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
        .options(joinedload(Delivery.speaker).joinedload(Speaker.unit))
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
    return [
        Proof(
            one.speaker.code, one.speaker.name, one.speaker.unit.name, one.state, one.reason, one.first_audio_at,
            one.seconds, one.heard, one.loss, one.jitter_ms, one.attempts, one.called_off, later.get(one.speaker_id),
        )
        for one in deliveries
    ]  # fmt: skip


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
