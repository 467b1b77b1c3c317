"""Figures of broadcasts by unit and by category, and the availability of speakers.

A broadcast that catches up an earlier one adds its minutes but is not counted again. A speaker that caught up has heard
the broadcast.
"""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from broadcast_bridge.broadcasts.states import DeliveryState, Kind
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, FormerSpeakerUnit, Reachability, Speaker
from broadcast_bridge.programmes.models import Programme
from haichieu.people import Unit
from haichieu.unit_names import communes_within

HEARD = (DeliveryState.PLAYED, DeliveryState.CAUGHT_UP)


def filed_at() -> sa.ColumnElement[datetime.datetime]:
    """Return the time under which a broadcast is filed: when it went on air, or should have."""
    kind = Broadcast.created_at.type
    return sa.func.coalesce(Broadcast.on_air_at, Broadcast.due_at, Broadcast.created_at, type_=kind)


@dataclass(frozen=True)
class Counts:
    """Broadcasts, their deliveries, how many of those were played, and seconds over all speakers.

    Of the played ones, the `unconfirmed` went to speakers that never reported that sound arrived.
    """

    broadcasts: int
    deliveries: int
    heard: int
    unconfirmed: int
    seconds: float
    synthetic: int
    """Broadcasts that a synthetic voice speaks, in whole or in part."""

    @property
    def reach(self) -> float | None:
        """The share of deliveries that were heard, 0 to 1; None without deliveries."""
        return self.heard / self.deliveries if self.deliveries else None


@dataclass(frozen=True)
class Aired(Counts):
    """Figures of one unit. Of its broadcasts, `reached` were played by at least one of its speakers."""

    unit: Unit
    reached: int = 0


@dataclass(frozen=True)
class AiredOfCategory(Counts):
    """Figures of one category. `kind` live is a live voice; a recording may have no category ("")."""

    kind: Kind
    category: str


@dataclass(frozen=True)
class Availability:
    """Reachable seconds of a speaker, out of the seconds that are known, and the number of losses."""

    speaker: Speaker
    seconds: float
    known_seconds: float
    losses: int

    @property
    def share(self) -> float | None:
        """0 to 1; None when nothing is known."""
        return self.seconds / self.known_seconds if self.known_seconds else None


def aired_by_unit(
    session: Session, unit_ids: Collection[int], since: datetime.datetime, until: datetime.datetime
) -> list[Aired]:
    """Count the broadcasts that began between two times at the speakers of each unit, omitting units without any."""
    unit = unit_then(session, since)
    reached = sa.func.count(Delivery.broadcast_id.distinct()).filter(
        Broadcast.again_of_id.is_(None), Delivery.state.in_(HEARD)
    )
    counted = _aired(unit.id, at=unit, unit_ids=unit_ids, since=since, until=until).group_by(unit.id)
    return _of_units(session, counted.add_columns(reached))


def aired_by_commune(
    session: Session, unit_ids: Collection[int], since: datetime.datetime, until: datetime.datetime
) -> list[Aired]:
    """Count them as `aired_by_unit` does, by commune: its own speakers and those of its villages among these units."""
    commune, unit = communes_within(unit_ids), unit_then(session, since)
    if unit.former is None:
        key: sa.ColumnElement[int] = commune.c.commune_id
    else:
        commune_then = commune.alias()
        key = sa.func.coalesce(commune_then.c.commune_id, commune.c.commune_id)
    counted = _aired(key, at=unit, unit_ids=unit_ids, since=since, until=until)
    counted = counted.join(commune, commune.c.unit_id == unit.id)
    if unit.former is not None:
        counted = counted.outerjoin(commune_then, commune_then.c.unit_id == FormerSpeakerUnit.commune_id)
    return _of_units(session, counted.group_by(key))


def _of_units(session: Session, counted: sa.Select[Any]) -> list[Aired]:
    rows = session.execute(counted).all()
    units = {unit.id: unit for unit in session.scalars(sa.select(Unit).where(Unit.id.in_([row[0] for row in rows])))}
    found = [Aired(*_counts(counts[:6]), units[unit_id], *counts[6:]) for unit_id, *counts in rows]
    return sorted(found, key=lambda one: one.unit.code)


def aired_by_category(
    session: Session, unit_ids: Collection[int], since: datetime.datetime, until: datetime.datetime
) -> list[AiredOfCategory]:
    """Count the broadcasts that began between two times at the units' speakers, by category.

    The category of a recording is that of the programme whose sound it plays first.
    """
    first = (
        sa.select(sa.func.max(Programme.category))
        .join(BroadcastSound, BroadcastSound.media_id == Programme.sound_id)
        .where(BroadcastSound.broadcast_id == Broadcast.id, BroadcastSound.position == 0)
        .correlate(Broadcast)
        .scalar_subquery()
    )
    named = (
        sa.select(Broadcast.id, Broadcast.kind, sa.func.coalesce(first, "").label("category"))
        .where(filed_at() >= since, filed_at() < until)
        .subquery()
    )
    counted = session.execute(
        _aired(
            named.c.kind,
            named.c.category,
            at=unit_then(session, since),
            unit_ids=unit_ids,
            since=since,
            until=until,
        )
        .join(named, named.c.id == Broadcast.id)
        .group_by(named.c.kind, named.c.category)
    ).all()
    found = [AiredOfCategory(*_counts(counts), Kind(kind), category) for kind, category, *counts in counted]
    return sorted(found, key=lambda one: (one.kind, -one.seconds, one.category))


def counts_of_all(groups: Iterable[Counts]) -> Counts:
    """Add up the figures of groups that have no broadcast in common, as categories do and units do not."""
    fields = ("broadcasts", "deliveries", "heard", "unconfirmed", "seconds", "synthetic")
    every = list(groups)
    return Counts(*(sum(getattr(one, field) for one in every) for field in fields))


def availability(
    session: Session,
    unit_ids: Collection[int],
    since: datetime.datetime,
    until: datetime.datetime,
    at: datetime.datetime,
) -> list[Availability]:
    """Return the availability of the units' speakers between two times, or until now (`at`), least available first.

    Multicast groups are omitted, since they cannot be monitored.
    """
    end = min(until, at)
    speakers = session.scalars(
        sa.select(Speaker)
        .where(Speaker.unit_id.in_(unit_ids), Speaker.multicast == "", Speaker.removed_at.is_(None))
        .options(joinedload(Speaker.unit))
        .order_by(Speaker.code)
    ).all()
    periods: dict[int, list[tuple[bool, datetime.datetime, datetime.datetime]]] = defaultdict(list)
    for speaker_id, reachable, began, ended in session.execute(
        sa.select(Reachability.speaker_id, Reachability.reachable, Reachability.since, Reachability.until)
        .join(Reachability.speaker)
        .where(
            Speaker.unit_id.in_(unit_ids),
            Reachability.since < end,
            sa.or_(Reachability.until.is_(None), Reachability.until > since),
        )
        .order_by(Reachability.id)
    ):
        periods[speaker_id].append((reachable, began, ended or end))
    found = [_availability(speaker, periods[speaker.id], since, end) for speaker in speakers]
    return sorted(found, key=lambda one: (2.0 if one.share is None else one.share, one.speaker.code))


def _availability(
    speaker: Speaker,
    periods: Iterable[tuple[bool, datetime.datetime, datetime.datetime]],
    since: datetime.datetime,
    end: datetime.datetime,
) -> Availability:
    seconds = known = 0.0
    losses = 0
    for reachable, began, ended in periods:
        length = max((min(ended, end) - max(began, since)).total_seconds(), 0.0)
        known += length
        seconds += length if reachable else 0.0
        losses += not reachable and began >= since
    return Availability(speaker, seconds, known, losses)


@dataclass(frozen=True)
class UnitThen:
    """The unit to which the speaker of a delivery belonged at that time; `former`, unless None, has to be joined."""

    id: sa.ColumnElement[int]
    former: sa.ColumnElement[bool] | None = None


def unit_then(session: Session, since: datetime.datetime) -> UnitThen:
    """Return the unit for deliveries since a time: with no merge or split since then, that of the speaker now."""
    any_later = sa.select(FormerSpeakerUnit.id).where(FormerSpeakerUnit.until > since).limit(1)
    if session.scalar(any_later) is None:
        return UnitThen(sa.type_coerce(Speaker.unit_id, sa.Integer))
    began, former = filed_at(), FormerSpeakerUnit
    is_then = sa.and_(
        former.speaker_id == Speaker.id,
        former.until > began,
        sa.or_(former.since.is_(None), former.since <= began),
    )
    return UnitThen(sa.func.coalesce(former.unit_id, Speaker.unit_id), is_then)


def _aired(
    *keys: sa.ColumnElement[Any] | Any,
    at: UnitThen,
    unit_ids: Collection[int],
    since: datetime.datetime,
    until: datetime.datetime,
) -> sa.Select[Any]:
    counted = Broadcast.again_of_id.is_(None)
    query = (
        sa.select(
            *keys,
            sa.func.count(Delivery.broadcast_id.distinct()).filter(counted),
            sa.func.count().filter(counted),
            sa.func.count().filter(counted, Delivery.state.in_(HEARD)),
            sa.func.count().filter(counted, Delivery.state == DeliveryState.PLAYED, Delivery.packets_lost.is_(None)),
            sa.func.sum(Delivery.seconds),
            sa.func.count(Delivery.broadcast_id.distinct()).filter(counted, Broadcast.synthetic != ""),
        )
        .join(Delivery.broadcast)
        .join(Speaker, Speaker.id == Delivery.speaker_id + 0)  # from the days' broadcasts, never from all deliveries
        .where(filed_at() >= since, filed_at() < until, at.id.in_(unit_ids))
    )
    return query if at.former is None else query.outerjoin(FormerSpeakerUnit, at.former)


def _counts(row: Iterable[Any]) -> tuple[int, int, int, int, float, int]:
    broadcasts, deliveries, heard, unconfirmed, seconds, synthetic = row
    return broadcasts, deliveries, heard, unconfirmed, float(seconds or 0.0), synthetic
