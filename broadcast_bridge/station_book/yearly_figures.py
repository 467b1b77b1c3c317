"""Yearly figures of the station book: what the plan for grassroots information asks each unit to report."""

import datetime
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from broadcast_bridge.repairs.models import Repair
from broadcast_bridge.repairs.repair_figures import Repairs, repairs_between, repairs_with_parts
from broadcast_bridge.station_book.expiry_alarms import today_at
from broadcast_bridge.station_book.models import (
    BookAttendance,
    BookBudget,
    BookCourse,
    BookDevice,
    BookInspection,
    BookNeed,
    BookPlan,
    BookStation,
)
from broadcast_bridge.station_book.states import Answer, Condition
from haichieu.database import now
from haichieu.people import Level, Unit
from haichieu.periods import Period
from haichieu.station import the_station
from haichieu.unit_names import UnitName, unit_names


@dataclass(frozen=True)
class Equipment:
    """Stations or devices of one kind: their number by condition, and how many are connected to the province."""

    kind: str
    by_condition: Mapping[str, int]
    connected: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_condition.values())


@dataclass(frozen=True)
class Course:
    """A course and its participants by result."""

    name: str
    starts_on: datetime.date
    by_result: Mapping[str, int]


@dataclass(frozen=True)
class Money:
    """Sums in đồng: planned, allocated and spent, for a source of funds or a purpose."""

    name: str
    planned: int
    allocated: int
    spent: int


@dataclass(frozen=True)
class YearlyFigures:
    """The figures of a year in some units. Stations and devices are counted as the book has them now, without those
    that came into use later or were disposed of.
    """

    year: int
    names: Mapping[int, UnitName]
    stations: Sequence[Equipment]
    devices: Sequence[Equipment]
    communes: int
    without_station: Sequence[int]
    """Ids of the communes in which no station is in use."""
    findings: Mapping[str, int]
    inspected: int
    """Devices with at least one inspection in the year."""
    plans: Sequence[BookPlan]
    needs: Mapping[str, int]
    """People to be trained, by audience."""
    courses: Sequence[Course]
    by_fund: Sequence[Money]
    by_purpose: Sequence[Money]
    repairs: Sequence[Repairs]
    with_parts: Sequence[Repair]
    """Repairs that used spare parts."""
    counted_on: datetime.date
    """The day of the figures of stations and devices."""


def yearly_figures(session: Session, unit_ids: Collection[int], year: int) -> YearlyFigures:
    """Compute the figures of a year in these units."""
    communes = session.scalars(
        sa.select(Unit.id).where(Unit.id.in_(unit_ids), Unit.level == Level.COMMUNE).order_by(Unit.name)
    ).all()
    names = unit_names(session)
    served = session.scalars(sa.select(BookStation.unit_id).where(*_in_use(BookStation, unit_ids, year)).distinct())
    with_station = {names[unit].commune_id for unit in served} if communes else set()
    within = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
    period = Period(*within, the_station(session).timezone)
    inspections = BookInspection.unit_id.in_(unit_ids), BookInspection.inspected_on.between(*within)
    findings = sa.select(BookInspection.finding, sa.func.count()).where(*inspections).group_by(BookInspection.finding)
    inspected = sa.select(sa.func.count(BookInspection.device_id.distinct())).where(*inspections)
    needs = (
        sa.select(BookNeed.audience, sa.func.sum(BookNeed.people))
        .where(BookNeed.unit_id.in_(unit_ids), BookNeed.year == year)
        .group_by(BookNeed.audience)
    )
    return YearlyFigures(
        year,
        names,
        _equipment(session, BookStation, BookStation.technology, unit_ids, year),
        _equipment(session, BookDevice, BookDevice.device_kind, unit_ids, year),
        len(communes),
        [unit for unit in communes if unit not in with_station],
        {finding: count for finding, count in session.execute(findings)},
        session.scalars(inspected).one(),
        session.scalars(
            sa.select(BookPlan)
            .where(BookPlan.unit_id.in_(unit_ids), BookPlan.year == year)
            .options(joinedload(BookPlan.unit))
            .order_by(BookPlan.plan_kind, BookPlan.work, BookPlan.id)
        ).all(),
        {audience: int(people) for audience, people in session.execute(needs)},
        _courses(session, unit_ids, within),
        _money(session, unit_ids, year, BookBudget.fund),
        _money(session, unit_ids, year, BookBudget.purpose),
        repairs_between(session, unit_ids, period.begin, period.end, now()),
        repairs_with_parts(session, unit_ids, period.begin, period.end),
        today_at(session),
    )


def years_of_book(session: Session, unit_ids: Collection[int], today: datetime.date) -> list[int]:
    """Return the years with plans, needs or budget in these units, and this year and the next; the latest first."""
    found = {today.year, today.year + 1}
    for model in (BookPlan, BookNeed, BookBudget):
        found |= set(session.scalars(sa.select(model.year).where(model.unit_id.in_(unit_ids)).distinct()))
    return sorted(found, reverse=True)


def _in_use(
    model: type[BookStation] | type[BookDevice], unit_ids: Collection[int], year: int
) -> tuple[sa.ColumnElement[bool], ...]:
    since = sa.or_(model.since_year.is_(None), model.since_year <= year)
    return model.unit_id.in_(unit_ids), model.condition != Condition.DISPOSED, since


def _equipment(
    session: Session,
    model: type[BookStation] | type[BookDevice],
    kind: sa.orm.InstrumentedAttribute[str],
    unit_ids: Collection[int],
    year: int,
) -> list[Equipment]:
    connected = model.connected == Answer.YES if model is BookStation else sa.false()
    counted = (
        sa.select(kind, model.condition, sa.func.count(), sa.func.sum(sa.case((connected, 1), else_=0)))
        .where(*_in_use(model, unit_ids, year))
        .group_by(kind, model.condition)
    )
    conditions: dict[str, Counter[str]] = {}
    linked: Counter[str] = Counter()
    for name, condition, count, of_them in session.execute(counted):
        conditions.setdefault(name, Counter())[condition] += count
        linked[name] += int(of_them)
    return [Equipment(name, conditions[name], linked[name]) for name in sorted(conditions)]


def _courses(session: Session, unit_ids: Collection[int], within: tuple[datetime.date, datetime.date]) -> list[Course]:
    """Return the courses of the units that began in the period, with the participants from these units."""
    rows = session.execute(
        sa.select(BookCourse.id, BookCourse.name, BookCourse.starts_on, BookAttendance.attended, sa.func.count())
        .outerjoin(
            BookAttendance, sa.and_(BookAttendance.course_id == BookCourse.id, BookAttendance.unit_id.in_(unit_ids))
        )
        .where(BookCourse.starts_on.between(*within))
        .where(sa.or_(BookCourse.unit_id.in_(unit_ids), BookAttendance.id.is_not(None)))
        .group_by(BookCourse.id, BookCourse.name, BookCourse.starts_on, BookAttendance.attended)
        .order_by(BookCourse.starts_on, BookCourse.id)
    ).all()
    found: dict[int, tuple[str, datetime.date, Counter[str]]] = {}
    for number, name, starts_on, result, count in rows:
        results = found.setdefault(number, (name, starts_on, Counter()))[2]
        if result is not None:
            results[result] += count
    return [Course(*one) for one in found.values()]


def _money(
    session: Session, unit_ids: Collection[int], year: int, by: sa.orm.InstrumentedAttribute[str]
) -> list[Money]:
    sums = (sa.func.sum(column) for column in (BookBudget.planned, BookBudget.allocated, BookBudget.spent))
    query = sa.select(by, *sums).where(BookBudget.unit_id.in_(unit_ids), BookBudget.year == year).group_by(by)
    return [Money(name, *map(int, amounts)) for name, *amounts in session.execute(query.order_by(by))]
