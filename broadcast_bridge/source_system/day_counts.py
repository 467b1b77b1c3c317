"""Daily counts for a source: broadcasts, proof and bulletins of each unit that it knows, one report per day."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import DeliveryState
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.source_system import report_queue
from broadcast_bridge.source_system.exchange import DayCounts, UnitCounts
from broadcast_bridge.source_system.models import Bulletin, Source
from broadcast_bridge.source_system.states import IN_FORCE, BulletinState
from haichieu.people import Unit
from haichieu.station import the_station

SETTLED_AFTER = datetime.timedelta(hours=1)
"""A day is counted this long after its end: what began before midnight is over by then."""
MOST_DAYS = 31
"""Days that are reported after a source was away; older ones are in the station's own reports."""
_PLAYED = (DeliveryState.PLAYED, DeliveryState.CAUGHT_UP)


@dataclass
class _Count:
    """Counts of a single unit, without the units below it."""

    speakers: int = 0
    reachable: int = 0
    broadcasts: dict[int, float] = field(default_factory=dict)
    """The longest time that a speaker played each one, in seconds."""
    played: int = 0
    missed: int = 0
    states: list[str] = field(default_factory=list)


def add(session: Session, source: Source, at: datetime.datetime) -> int:
    """Add the reports of the days that have ended since the last time; return how many there are."""
    zone = ZoneInfo(the_station(session).timezone)
    last = (at - SETTLED_AFTER).astimezone(zone).date() - datetime.timedelta(days=1)
    if source.counted_until is None:
        source.counted_until = last
        return 0
    first = max(source.counted_until + datetime.timedelta(days=1), last - datetime.timedelta(days=MOST_DAYS - 1))
    days = [first + datetime.timedelta(days=count) for count in range((last - first).days + 1)]
    for day in days:
        counts = DayCounts(key=f"counts:{day.isoformat()}", day=day, units=counts_of(session, source, day, zone))
        report_queue.add_result(session, source.id, counts, at)
    source.counted_until = max(last, source.counted_until)
    return len(days)


def counts_of(session: Session, source: Source, day: datetime.date, zone: ZoneInfo) -> list[UnitCounts]:
    """Return the counts of one day for each unit that the source knows by an id, with all units below."""
    begin = datetime.datetime.combine(day, datetime.time(), zone)
    end = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time(), zone)
    single = _single_counts(session, source, begin, end)
    units: dict[int, tuple[int | None, str]] = {
        row.id: (row.parent_id, row.name) for row in session.execute(sa.select(Unit.id, Unit.parent_id, Unit.name))
    }
    places = sorted((place.external_id, place.unit_id) for place in source.places if place.unit_id is not None)
    return [
        _summed(external_id, units[unit_id][1], (single[one] for one in _under(unit_id, units) if one in single))
        for external_id, unit_id in places
    ]


def _single_counts(
    session: Session, source: Source, begin: datetime.datetime, end: datetime.datetime
) -> Mapping[int, _Count]:
    counts: dict[int, _Count] = {}
    for speaker in session.scalars(sa.select(Speaker).where(Speaker.removed_at.is_(None))):
        count = counts.setdefault(speaker.unit_id, _Count())
        count.speakers += 1
        count.reachable += speaker.counts_as_reachable
    rows = session.execute(
        sa.select(
            Speaker.unit_id, Delivery.broadcast_id, Delivery.state, sa.func.count(), sa.func.max(Delivery.seconds)
        )
        .join(Delivery.broadcast)
        .join(Delivery.speaker)
        .where(Broadcast.on_air_at >= begin, Broadcast.on_air_at < end, ~Delivery.active)
        .where(Broadcast.again_of_id.is_(None))  # a later airing is in the result of the first one
        .group_by(Speaker.unit_id, Delivery.broadcast_id, Delivery.state)
    )
    for unit_id, broadcast_id, state, deliveries, seconds in rows:
        count = counts.setdefault(unit_id, _Count())
        if state in _PLAYED:
            count.played += deliveries
            count.broadcasts[broadcast_id] = max(seconds or 0.0, count.broadcasts.get(broadcast_id, 0.0))
        else:
            count.missed += deliveries
    for unit_id, bulletin_state in session.execute(
        sa.select(Bulletin.unit_id, Bulletin.state).where(
            Bulletin.source_id == source.id, Bulletin.received_at >= begin, Bulletin.received_at < end,
            Bulletin.title != "",
        )
    ):  # fmt: skip
        counts.setdefault(unit_id, _Count()).states.append(bulletin_state)
    return counts


def _summed(external_id: str, name: str, counts: Iterable[_Count]) -> UnitCounts:
    total = _Count()
    for one in counts:
        total.speakers += one.speakers
        total.reachable += one.reachable
        total.played += one.played
        total.missed += one.missed
        total.states += one.states
        for broadcast_id, seconds in one.broadcasts.items():
            total.broadcasts[broadcast_id] = max(seconds, total.broadcasts.get(broadcast_id, 0.0))
    return UnitCounts(
        unit=external_id, name=name, speakers=total.speakers, reachable=total.reachable,
        broadcasts=len(total.broadcasts), seconds=round(sum(total.broadcasts.values()), 1), played=total.played,
        missed=total.missed, received=len(total.states), chosen=sum(state in IN_FORCE for state in total.states),
        declined=total.states.count(BulletinState.DECLINED), refused=total.states.count(BulletinState.REFUSED),
    )  # fmt: skip


def _under(unit_id: int, units: Mapping[int, tuple[int | None, str]]) -> Iterator[int]:
    below: dict[int | None, list[int]] = {}
    for one, (parent_id, _) in units.items():
        below.setdefault(parent_id, []).append(one)
    left, seen = [unit_id], set[int]()
    while left:
        one = left.pop()
        if one not in seen:
            seen.add(one)
            yield one
            left += below.get(one, [])
