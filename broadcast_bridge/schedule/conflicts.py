"""Conflicts of schedules that need the same speaker at the same time, with the winner of each.

A preview for planning; the rules are those of the airing itself.
"""

import datetime
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Speaker, zone_speakers, zone_units
from broadcast_bridge.schedule.contents import Contents
from broadcast_bridge.schedule.day_filter import is_day_for
from broadcast_bridge.schedule.materialise import recurrence_of, station_day
from broadcast_bridge.schedule.models import Schedule, ScheduleItem
from haichieu.people import Unit
from haichieu.station import the_station

HORIZON = datetime.timedelta(days=30)
MOST = 200

_RANK = {str(priority): rank for rank, priority in enumerate(Priority)}


@dataclass(frozen=True)
class Claimant:
    """One side of a conflict."""

    schedule_id: int
    title: str
    priority: Priority
    at: datetime.datetime


@dataclass(frozen=True)
class Conflict:
    """Two schedules that meet at some speakers: the winner, the loser, the first time, and how often in the horizon."""

    winner: Claimant
    loser: Claimant
    at: datetime.datetime
    speakers: tuple[str, ...]
    times: int


@dataclass(frozen=True)
class _Span:
    begin: datetime.datetime
    end: datetime.datetime
    schedule: Schedule


def all_conflicts(
    session: Session, at: datetime.datetime, until: datetime.datetime, most: int = MOST
) -> list[Conflict]:
    """Return the conflicts between two times, the earliest first, at most `most`."""
    return _conflicts(session, _enabled(session), at, until, most, only=None)


def conflicts_of(
    session: Session, schedule: Schedule, at: datetime.datetime, until: datetime.datetime, most: int = MOST
) -> list[Conflict]:
    """Return the conflicts of one schedule between two times. It need not be stored or enabled; its zones must be."""
    others = [one for one in _enabled(session) if one is not schedule]
    return _conflicts(session, [*others, schedule], at, until, most, only=schedule)


def _enabled(session: Session) -> list[Schedule]:
    with session.no_autoflush:
        return list(
            session.scalars(
                sa.select(Schedule)
                .where(Schedule.enabled, Schedule.removed_at.is_(None))
                .options(
                    selectinload(Schedule.zones),
                    selectinload(Schedule.programme),
                    selectinload(Schedule.items).selectinload(ScheduleItem.programme),
                )
                .order_by(Schedule.id)
            )
        )


def _conflicts(
    session: Session,
    schedules: list[Schedule],
    at: datetime.datetime,
    until: datetime.datetime,
    most: int,
    only: Schedule | None,
) -> list[Conflict]:
    with session.no_autoflush:
        reach = _speakers_by_zone(session, {zone.id for one in schedules for zone in one.zones})
        wanted = {id(one): frozenset[int]().union(*(reach[zone.id] for zone in one.zones)) for one in schedules}
        if only is not None:
            schedules = [one for one in schedules if one is only or wanted[id(one)] & wanted[id(only)]]
        contents, timezone = Contents(session, schedules), the_station(session).timezone
        found = _meetings(_spans(schedules, contents, at, until, timezone), wanted, most, only)
        names = _names(session, {speaker for *_, shared, _times in found for speaker in shared})
    return [
        Conflict(
            _claimant(winner), _claimant(loser), max(winner.begin, loser.begin),
            tuple(sorted(names[speaker] for speaker in shared)), times,
        )
        for winner, loser, shared, times in found
    ]  # fmt: skip


def _spans(
    schedules: Iterable[Schedule], contents: Contents, at: datetime.datetime, until: datetime.datetime, timezone: str
) -> list[_Span]:
    spans: list[_Span] = []
    for schedule in schedules:
        length = datetime.timedelta(seconds=contents.seconds(schedule, at))
        # What began before `at` may still be on air.
        for moment in recurrence_of(schedule).between(at - length, until):
            if moment.at + length > at and is_day_for(schedule.days, station_day(schedule, moment, timezone)):
                spans.append(_Span(moment.at, moment.at + length, schedule))
    spans.sort(key=lambda span: span.begin)
    return spans


def _meetings(
    spans: list[_Span], wanted: Mapping[int, frozenset[int]], most: int, only: Schedule | None
) -> list[tuple[_Span, _Span, frozenset[int], int]]:
    """Sweep through the spans in time, comparing each beginning with the spans on air at the same speakers."""
    on_air: dict[int, dict[int, _Span]] = {}
    ends: list[tuple[datetime.datetime, int]] = []
    found: dict[tuple[int, int], tuple[_Span, _Span, frozenset[int], int]] = {}
    for number, span in enumerate(spans):
        while ends and ends[0][0] <= span.begin:
            _end, over = heapq.heappop(ends)
            for speaker in wanted[id(spans[over].schedule)]:
                on_air[speaker].pop(over, None)
        heapq.heappush(ends, (span.end, number))
        mine = wanted[id(span.schedule)]
        met = {other: one for speaker in mine for other, one in on_air.get(speaker, {}).items()}
        for other in met.values():
            if other.schedule is span.schedule or (only is not None and only not in (other.schedule, span.schedule)):
                continue
            winner, loser = sorted((other, span), key=_order)
            pair = id(winner.schedule), id(loser.schedule)
            if pair in found:
                first, second, shared, times = found[pair]
                found[pair] = first, second, shared, times + 1
            elif len(found) < most:
                found[pair] = winner, loser, mine & wanted[id(other.schedule)], 1
            else:
                return list(found.values())
        for speaker in mine:
            on_air.setdefault(speaker, {})[number] = span
    return list(found.values())


def _order(span: _Span) -> tuple[int, datetime.datetime, float]:
    """Sort the winner first: the higher priority, then the earlier start, then the older schedule."""
    number = span.schedule.id if span.schedule.id is not None else float("inf")
    return -_RANK[span.schedule.priority], span.begin, number


def _claimant(span: _Span) -> Claimant:
    return Claimant(span.schedule.id, span.schedule.title, Priority(span.schedule.priority), span.begin)


def _speakers_by_zone(session: Session, zone_ids: set[int]) -> dict[int, frozenset[int]]:
    """Return the ids of the speakers of each zone, in four queries for any number of zones."""
    parents = {unit: parent for unit, parent in session.execute(sa.select(Unit.id, Unit.parent_id))}
    by_unit: dict[int, set[int]] = {}
    alive: set[int] = set()
    for speaker, unit in session.execute(sa.select(Speaker.id, Speaker.unit_id).where(Speaker.removed_at.is_(None))):
        alive.add(speaker)
        above: int | None = unit
        while above is not None:
            by_unit.setdefault(above, set()).add(speaker)
            above = parents.get(above)
    found: dict[int, set[int]] = {zone: set() for zone in zone_ids}
    for zone, unit in session.execute(sa.select(zone_units).where(zone_units.c.zone_id.in_(zone_ids))):
        found[zone] |= by_unit.get(unit, set())
    for zone, speaker in session.execute(sa.select(zone_speakers).where(zone_speakers.c.zone_id.in_(zone_ids))):
        found[zone] |= {speaker} & alive
    return {zone: frozenset(speakers) for zone, speakers in found.items()}


def _names(session: Session, speaker_ids: set[int]) -> dict[int, str]:
    rows = session.execute(sa.select(Speaker.id, Speaker.name).where(Speaker.id.in_(speaker_ids)))
    return {speaker: name for speaker, name in rows}
