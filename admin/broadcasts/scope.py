"""Visibility of broadcasts: those played in the account's units, those meant for them, and its own."""

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from admin.access.visitors import Visitor
from broadcast_bridge.models import Broadcast, Delivery, Speaker, Zone, zone_speakers, zone_units
from broadcast_bridge.speakers.zones import speakers_in
from haichieu.errors import NotFound
from haichieu.people import Unit


class NoSuchBroadcast(NotFound):
    """There is no broadcast with this id, or the visitor may not see it."""

    def __init__(self, number: int) -> None:
        super().__init__("panel.log.no_such", number=number)


def seen_by(session: Session, visitor: Visitor) -> sa.ColumnElement[bool]:
    """Return the condition under which a visitor sees a broadcast."""
    if sees_everything(session, visitor):
        return sa.true()
    begun = _some_delivery(sa.true())
    heard = _some_delivery(Delivery.speaker_id.in_(sa.select(Speaker.id).where(_inside(visitor))))
    meant = [
        sa.cast(column, sa.Text).contains(f'"{code}"', autoescape=True)
        for column, codes in (
            (Broadcast.zone_codes, _zone_codes_reaching(session, visitor)),
            (Broadcast.speaker_codes, session.scalars(sa.select(Speaker.code).where(_inside(visitor))).all()),
        )
        for code in codes
    ]
    return sa.or_(heard, Broadcast.asked_by == visitor.actor, sa.and_(~begun, sa.or_(sa.false(), *meant)))


def find_broadcast(session: Session, visitor: Visitor, number: int) -> Broadcast:
    """Return a broadcast with its deliveries. Raises NoSuchBroadcast, also when the visitor may not see it."""
    found = session.scalar(
        sa.select(Broadcast)
        .where(Broadcast.id == number, seen_by(session, visitor))
        .options(joinedload(Broadcast.official), selectinload(Broadcast.deliveries).joinedload(Delivery.speaker))
    )
    if found is None:
        raise NoSuchBroadcast(number)
    return found


def units_of_broadcast(session: Session, number: int) -> set[int]:
    """Return the units in which a broadcast plays or will play. Raises NoSuchBroadcast."""
    broadcast = session.get(Broadcast, number)
    if broadcast is None:
        raise NoSuchBroadcast(number)
    return units_of_broadcasts(session, [broadcast])[number]


def units_of_broadcasts(session: Session, broadcasts: Collection[Broadcast]) -> Mapping[int, set[int]]:
    """Return the units in which each broadcast plays or will play; one that has begun needs no query of its own."""
    found: dict[int, set[int]] = {broadcast.id: set() for broadcast in broadcasts}
    for number, unit_id in session.execute(
        sa.select(Delivery.broadcast_id, Speaker.unit_id)
        .join(Speaker, Delivery.speaker_id == Speaker.id)
        .where(Delivery.broadcast_id.in_(found))
        .distinct()
    ):
        found[number].add(unit_id)
    for broadcast in broadcasts:
        if not found[broadcast.id]:
            zones = session.scalars(sa.select(Zone.id).where(Zone.code.in_(broadcast.zone_codes)))
            named = session.scalars(sa.select(Speaker.unit_id).where(Speaker.code.in_(broadcast.speaker_codes)))
            found[broadcast.id] = {speaker.unit_id for speaker in speakers_in(session, zones)} | set(named)
        found[broadcast.id] = found[broadcast.id] or set(session.scalars(sa.select(Unit.id)))
    return found


def sees_everything(session: Session, visitor: Visitor) -> bool:
    """Return whether the visitor's unit is above all others."""
    return session.scalar(sa.select(Unit.id).where(Unit.id.not_in(visitor.units)).limit(1)) is None


def _some_delivery(which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Return the condition that a broadcast has such a delivery.

    Not as EXISTS, which PostgreSQL may answer by reading all deliveries, for the fifty broadcasts of a page.
    """
    found = sa.select(Delivery.id).where(Delivery.broadcast_id == Broadcast.id, which).limit(1)
    return found.correlate(Broadcast).scalar_subquery().is_not(None)


def _inside(visitor: Visitor) -> sa.ColumnElement[bool]:
    return Speaker.unit_id.in_(visitor.units)


def zones_reaching(session: Session, visitor: Visitor) -> set[int]:
    """Return the ids of the zones with speakers in the visitor's units."""
    named = sa.select(zone_speakers.c.zone_id).join(Speaker, Speaker.id == zone_speakers.c.speaker_id)
    by_speaker = set(session.scalars(named.where(_inside(visitor))))
    reaching = set(
        session.scalars(sa.select(zone_units.c.zone_id).where(zone_units.c.unit_id.in_(_above(session, visitor))))
    )
    return by_speaker | reaching


def _zone_codes_reaching(session: Session, visitor: Visitor) -> Sequence[str]:
    return session.scalars(sa.select(Zone.code).where(Zone.id.in_(zones_reaching(session, visitor)))).all()


def _above(session: Session, visitor: Visitor) -> set[int]:
    """Return the visitor's units and those above them: a zone over the district reaches its communes."""
    parents: dict[int, int | None] = dict(session.execute(sa.select(Unit.id, Unit.parent_id)).all())
    found = set(visitor.units)
    one = parents.get(visitor.account.unit_id)
    while one is not None and one not in found:
        found.add(one)
        one = parents.get(one)
    return found
