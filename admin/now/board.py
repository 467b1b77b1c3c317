"""Content of the overview for one visitor, limited to their units."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload

from admin.access.visitors import Visitor
from admin.broadcasts.scope import seen_by, units_of_broadcasts
from admin.calendar.scope import heard_here
from admin.now.alarm_pages import AlarmLine, with_pages
from admin.now.alarm_scope import alarms_for
from admin.now.attention import assigned_to, to_approve
from broadcast_bridge.broadcasts import clearance
from broadcast_bridge.broadcasts.broadcast_lifecycle import speakers_playing
from broadcast_bridge.broadcasts.states import BROADCAST, BroadcastState, reason_message
from broadcast_bridge.models import Broadcast, Speaker, Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.repairs.models import Repair
from broadcast_bridge.repairs.states import RepairState
from broadcast_bridge.schedule.forecast import Forecast
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.recurrence import Moment, zone_named
from broadcast_bridge.schedule.states import OccurrenceState
from broadcast_bridge.schedule.states import reason_message as occurrence_reason
from broadcast_bridge.source_system import offered
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring
from broadcast_bridge.speakers.zones import reach_of
from feedback.cases.case_lifecycle import OPEN
from feedback.cases.case_order import Order, columns
from feedback.cases.case_search import NOT_MERGED
from feedback.models import Case
from haichieu.account_rights import Action
from haichieu.heartbeats import MAIN
from haichieu.locale import Message
from haichieu.nodes import NodeStatus
from haichieu.people import Unit
from haichieu.station_status import Component, component_states, nodes_of_status

NEXT_WITHIN = datetime.timedelta(hours=24)
ROWS = 8

BEGUN = (BroadcastState.CALLING, BroadcastState.ON_AIR)
"""States of a broadcast that plays or is about to."""


@dataclass(frozen=True)
class OnAir:
    """A broadcast that plays or is about to; `may_stop` is true when this visitor may stop it."""

    number: int
    who: str
    zones: str
    priority: str
    state: str
    since: datetime.datetime
    playing: int
    speakers: int
    stopping: bool
    may_stop: bool


@dataclass(frozen=True)
class Upcoming:
    """An upcoming broadcast: planned by hand (`number`) or by a `schedule`, named if it is of the visitor's units."""

    due_at: datetime.datetime
    title: str
    zones: str
    priority: str
    number: int | None = None
    schedule: int | None = None
    obstacle: Message | None = None
    """Why it will not be played as things are."""
    unit: str = ""
    """The unit whose schedule it is, unless it is one of the visitor's."""


@dataclass(frozen=True)
class Speakers:
    """The number of speakers and of reachable ones, and the first of the unreachable ones."""

    total: int
    reachable: int
    away: Sequence[Speaker]
    muted: Sequence[tuple[Zone, int]] = ()
    """The muted zones, and how many speakers of the visitor's units each silences."""

    @property
    def away_count(self) -> int:
        """The number of unreachable speakers."""
        return self.total - self.reachable


@dataclass(frozen=True)
class Cases:
    """The number of waiting and overdue cases, and the most urgent ones for visitors who may read them."""

    waiting: int
    overdue: int
    pressing: Sequence[Case]


@dataclass(frozen=True)
class Waiting:
    """What waits for the visitor: programmes of others to approve, orders and bulletins, assigned cases, repairs."""

    approvals: Sequence[Programme]
    orders: Sequence[BulletinAiring]
    """Start times of bulletins that meet programmes of the commune."""
    bulletins: Sequence[Bulletin]
    cases: Sequence[Case]
    repairs: Sequence[Repair]

    def __bool__(self) -> bool:
        return bool(self.approvals or self.orders or self.bulletins or self.cases or self.repairs)


@dataclass(frozen=True)
class Board:
    """Everything that the overview shows."""

    at: datetime.datetime
    components: Sequence[Component]
    on_air: Sequence[OnAir]
    upcoming: Sequence[Upcoming]
    mine: Waiting
    speakers: Speakers
    cases: Cases
    alarms: Sequence[AlarmLine]
    nodes: Sequence[NodeStatus]
    """The nodes of a province; empty for a station that is alone."""

    @property
    def ok(self) -> bool:
        """Whether every component of the station is up."""
        return all(part.ok for part in self.components)


def board(session: Session, visitor: Visitor, at: datetime.datetime, node: str = MAIN) -> Board:
    """Return the overview of a visitor, as the panel of this node shows it."""
    return Board(
        at,
        component_states(session, at, node),
        on_air(session, visitor),
        _upcoming(session, visitor, at),
        Waiting(
            _to_approve(session, visitor),
            _meeting(session, visitor, at),
            _offered(session, visitor),
            _my_cases(session, visitor),
            _open_repairs(session, visitor),
        ),
        _speakers(session, visitor, at),
        _cases(session, visitor, at),
        with_pages(session, visitor, alarms_for(session, visitor, ROWS)) if visitor.may(Action.CLEAR_ALARMS) else (),
        nodes_of_status(session),
    )


def on_air_for(session: Session, visitor: Visitor) -> list[int]:
    """Return the ids of the playing broadcasts that a visitor may see."""
    sounding = sa.select(Broadcast.id).where(Broadcast.state == BroadcastState.ON_AIR, seen_by(session, visitor))
    return list(session.scalars(sounding.order_by(Broadcast.id)))


def on_air(session: Session, visitor: Visitor) -> list[OnAir]:
    """Return the broadcasts that play, or are about to, in the visitor's units."""
    found = session.scalars(
        sa.select(Broadcast)
        .where(Broadcast.state.in_(BEGUN), seen_by(session, visitor))
        .options(joinedload(Broadcast.official))
        .order_by(Broadcast.id)
    ).all()
    counts = speakers_playing(session, [one.id for one in found])
    units = units_of_broadcasts(session, found)
    return [
        OnAir(
            one.id, one.on_air_name, one.zone_names, one.priority, one.state, one.on_air_at or one.created_at,
            *counts.get(one.id, (0, 0)), stopping=one.stop_asked_at is not None,
            may_stop=visitor.may(Action.AIR) and units[one.id] <= visitor.units,
        )
        for one in found
    ]  # fmt: skip


def _upcoming(session: Session, visitor: Visitor, at: datetime.datetime) -> list[Upcoming]:
    until = at + NEXT_WITHIN
    planned = session.scalars(
        sa.select(Broadcast)
        .where(
            Broadcast.state == BROADCAST.initial,
            Broadcast.due_at > at - NEXT_WITHIN,
            Broadcast.due_at <= until,
            seen_by(session, visitor),
        )
        .order_by(Broadcast.due_at)
        .limit(ROWS)
    ).all()
    hours = session.scalars(
        sa.select(Occurrence)
        .join(Occurrence.schedule)
        .where(
            Occurrence.state == OccurrenceState.PLANNED,
            Occurrence.due_at > at,
            Occurrence.due_at <= until,
            heard_here(session, visitor),
            Schedule.enabled,
        )
        .options(
            joinedload(Occurrence.schedule).selectinload(Schedule.zones),
            joinedload(Occurrence.schedule).joinedload(Schedule.programme),
        )
        .order_by(Occurrence.due_at, Occurrence.id)
        .limit(ROWS)
    ).all()
    refused = clearance.refusals(session, planned, at)
    found = [
        Upcoming(
            one.due_at or one.created_at, one.on_air_name, one.zone_names, one.priority, one.id,
            obstacle=reason_message(refused.get(one.id)),
        )
        for one in planned
    ]  # fmt: skip
    found += _scheduled(session, visitor, hours)
    return sorted(found, key=lambda one: one.due_at)[:ROWS]


def _scheduled(session: Session, visitor: Visitor, hours: Sequence[Occurrence]) -> Iterator[Upcoming]:
    forecast = Forecast(session, {hour.schedule for hour in hours})
    others = {hour.schedule.unit_id for hour in hours} - visitor.units
    names = {unit.id: unit.name for unit in session.scalars(sa.select(Unit).where(Unit.id.in_(others)))}
    for hour in hours:
        one = hour.schedule
        wall = hour.due_at.astimezone(zone_named(one.timezone)).replace(tzinfo=None)
        reason = forecast.obstacle(one, Moment(hour.due_at, wall))
        zones = ", ".join(zone.name for zone in one.zones)
        yield Upcoming(
            hour.due_at, one.title, zones, one.priority,
            schedule=one.id if one.unit_id in visitor.units else None,
            obstacle=occurrence_reason(reason), unit=names.get(one.unit_id, ""),
        )  # fmt: skip


def _to_approve(session: Session, visitor: Visitor) -> Sequence[Programme]:
    query = sa.select(Programme).join(Programme.unit).where(*to_approve(visitor))
    return session.scalars(query.options(contains_eager(Programme.unit)).order_by(Programme.id).limit(ROWS)).all()


def _meeting(session: Session, visitor: Visitor, at: datetime.datetime) -> Sequence[BulletinAiring]:
    return offered.meeting(session, visitor.units, at, ROWS) if visitor.may(Action.SCHEDULE) else ()


def _offered(session: Session, visitor: Visitor) -> Sequence[Bulletin]:
    return offered.waiting(session, visitor.units, ROWS) if visitor.may(Action.SCHEDULE) else ()


def _my_cases(session: Session, visitor: Visitor) -> Sequence[Case]:
    return _by_due_date(session, *assigned_to(visitor))


def _by_due_date(session: Session, *which: sa.ColumnElement[bool]) -> Sequence[Case]:
    return session.scalars(
        sa.select(Case)
        .where(*which)
        .options(joinedload(Case.unit), joinedload(Case.category))
        .order_by(*columns(Order.DUE))
        .limit(ROWS)
    ).all()


def _open_repairs(session: Session, visitor: Visitor) -> Sequence[Repair]:
    if not visitor.may(Action.REPAIR):
        return ()
    query = sa.select(Repair).join(Repair.speaker).options(contains_eager(Repair.speaker).joinedload(Speaker.unit))
    here = query.where(Repair.state == RepairState.OPEN, Speaker.unit_id.in_(visitor.units))
    return session.scalars(here.order_by(Repair.id).limit(ROWS)).all()


def _muted(session: Session, visitor: Visitor, at: datetime.datetime) -> list[tuple[Zone, int]]:
    """Return the zones that are muted, with the number of speakers of the visitor in each; none without any."""
    zones = session.scalars(sa.select(Zone).where(Zone.removed_at.is_(None), Zone.silenced_until > at)).all()
    reach = reach_of(session, [zone.id for zone in zones]) if zones else {}
    counts = ((zone, sum(one.unit_id in visitor.units for one in reach[zone.id].speakers)) for zone in zones)
    return [(zone, count) for zone, count in counts if count]


def _speakers(session: Session, visitor: Visitor, at: datetime.datetime) -> Speakers:
    here = (Speaker.removed_at.is_(None), Speaker.unit_id.in_(visitor.units))
    counted = sa.or_(Speaker.reachable, Speaker.multicast != "")
    total, reachable = session.execute(
        sa.select(sa.func.count(), sa.func.count().filter(counted)).select_from(Speaker).where(*here)
    ).one()
    away = session.scalars(
        sa.select(Speaker)
        .where(*here, ~counted)
        .options(joinedload(Speaker.unit))
        .order_by(Speaker.reachable_since.desc().nulls_last(), Speaker.code)
        .limit(ROWS)
    ).all()
    return Speakers(total, reachable, away, _muted(session, visitor, at))


def _cases(session: Session, visitor: Visitor, at: datetime.datetime) -> Cases:
    waits = (Case.unit_id.in_(visitor.units), Case.status.in_(OPEN), NOT_MERGED)
    waiting, overdue = session.execute(
        sa.select(sa.func.count(), sa.func.count().filter(Case.due_at < at)).select_from(Case).where(*waits)
    ).one()
    return Cases(waiting, overdue, _by_due_date(session, *waits) if visitor.may(Action.READ_CASES) else ())
