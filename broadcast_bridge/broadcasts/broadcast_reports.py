"""Figures of broadcasts by unit and by category, and the availability of speakers.

A broadcast that catches up an earlier one adds its minutes but is not counted again. A speaker that caught up has heard
the broadcast.
"""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, load_only

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


@dataclass(frozen=True)
class AiredFigures:
    """Figures of a period: by commune and by unit, omitting those without any delivery, and by category."""

    by_commune: list[Aired]
    by_unit: list[Aired]
    by_category: list[AiredOfCategory]


def aired_figures(
    session: Session, unit_ids: Collection[int], since: datetime.datetime, until: datetime.datetime
) -> AiredFigures:
    """Count the broadcasts that began between two times at the speakers of these units.

    A commune has its own speakers and those of its villages among these units. The category of a recording is that of
    the programme whose sound it plays first. The deliveries are read once for all three.
    """
    heard = _heard(unit_then(session, since), unit_ids, since, until)
    named = _named(since, until)
    commune = communes_within(unit_ids)
    commune_then = commune.alias("commune_then")
    of_commune = sa.func.coalesce(commune_then.c.commune_id, commune.c.commune_id)
    parts = (
        _counted(heard, "commune", of_commune)
        .join(commune, commune.c.unit_id == heard.c.unit_id)
        .outerjoin(commune_then, commune_then.c.unit_id == heard.c.former_commune_id)
        .group_by(of_commune),
        _counted(heard, "unit", heard.c.unit_id).group_by(heard.c.unit_id),
        _counted(heard, "category", sa.literal(0), named.c.kind, named.c.category)
        .join(named, named.c.id == heard.c.broadcast_id)
        .group_by(named.c.kind, named.c.category),
    )
    rows: dict[str, list[Sequence[Any]]] = defaultdict(list)
    for what, *row in session.execute(sa.union_all(*parts)):
        rows[what].append(row)
    categories = [AiredOfCategory(*_counts(row[3:9]), Kind(row[1]), row[2]) for row in rows["category"]]
    return AiredFigures(
        _of_units(session, rows["commune"]),
        _of_units(session, rows["unit"]),
        sorted(categories, key=lambda one: (one.kind, -one.seconds, one.category)),
    )


def _of_units(session: Session, rows: Collection[Sequence[Any]]) -> list[Aired]:
    units = {unit.id: unit for unit in session.scalars(sa.select(Unit).where(Unit.id.in_([row[0] for row in rows])))}
    found = [Aired(*_counts(row[3:9]), units[row[0]], row[9]) for row in rows]
    return sorted(found, key=lambda one: one.unit.code)


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
        .options(load_only(Speaker.code, Speaker.name, Speaker.unit_id), joinedload(Speaker.unit).load_only(Unit.code))
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


def _heard(at: UnitThen, unit_ids: Collection[int], since: datetime.datetime, until: datetime.datetime) -> sa.CTE:
    """Return the deliveries of a period by broadcast and unit, which are few; `former_commune_id` is that of then."""
    former_commune: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Integer)
    keys: tuple[Any, ...] = (Delivery.broadcast_id, at.id)
    if at.former is not None:
        former_commune = sa.type_coerce(FormerSpeakerUnit.commune_id, sa.Integer)
    query = (
        sa.select(
            Delivery.broadcast_id,
            at.id.label("unit_id"),
            former_commune.label("former_commune_id"),
            sa.func.count().label("deliveries"),
            sa.func.count().filter(Delivery.state.in_(HEARD)).label("heard"),
            sa.func.count()
            .filter(Delivery.state == DeliveryState.PLAYED, Delivery.packets_lost.is_(None))
            .label("unconfirmed"),
            sa.func.sum(Delivery.seconds).label("seconds"),
        )
        .join(Delivery.broadcast)
        .join(Speaker, Speaker.id == Delivery.speaker_id + 0)  # from the days' broadcasts, never from all deliveries
        .where(filed_at() >= since, filed_at() < until, at.id.in_(unit_ids))
    )
    if at.former is not None:
        query = query.outerjoin(FormerSpeakerUnit, at.former)
        keys = (*keys, former_commune)
    return query.group_by(*keys).cte("at_units")


def _named(since: datetime.datetime, until: datetime.datetime) -> sa.Subquery:
    """Return the kind and the category of the broadcasts of a period."""
    first = (
        sa.select(sa.func.max(Programme.category))
        .join(BroadcastSound, BroadcastSound.media_id == Programme.sound_id)
        .where(BroadcastSound.broadcast_id == Broadcast.id, BroadcastSound.position == 0)
        .correlate(Broadcast)
        .scalar_subquery()
    )
    return (
        sa.select(Broadcast.id, Broadcast.kind, sa.func.coalesce(first, "").label("category"))
        .where(filed_at() >= since, filed_at() < until)
        .subquery()
    )


def _counted(
    heard: sa.CTE,
    what: str,
    number: sa.ColumnElement[int],
    kind: sa.ColumnElement[str] | None = None,
    category: sa.ColumnElement[str] | None = None,
) -> sa.Select[Any]:
    """Return the sums of one group: its keys, the fields of `Counts`, and the broadcasts that were played there."""
    counted = Broadcast.again_of_id.is_(None)
    none = sa.literal("", sa.String)
    return sa.select(
        sa.literal(what).label("what"), number, none if kind is None else kind, none if category is None else category,
        sa.func.count(heard.c.broadcast_id.distinct()).filter(counted),
        *(
            sa.func.coalesce(sa.func.sum(column).filter(counted), 0)
            for column in (heard.c.deliveries, heard.c.heard, heard.c.unconfirmed)
        ),
        sa.func.sum(heard.c.seconds),
        sa.func.count(heard.c.broadcast_id.distinct()).filter(counted, Broadcast.synthetic != ""),
        sa.func.count(heard.c.broadcast_id.distinct()).filter(counted, heard.c.heard > 0),
    ).join(Broadcast, Broadcast.id == heard.c.broadcast_id)  # fmt: skip


def _counts(row: Iterable[Any]) -> tuple[int, int, int, int, float, int]:
    broadcasts, deliveries, heard, unconfirmed, seconds, synthetic = row
    return broadcasts, int(deliveries), int(heard), int(unconfirmed), float(seconds or 0.0), synthetic
