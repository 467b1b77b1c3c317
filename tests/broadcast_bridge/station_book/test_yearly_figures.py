"""Yearly figures of the station book."""

import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker
from broadcast_bridge.repairs.models import FaultReport, Repair
from broadcast_bridge.repairs.repair_figures import Repairs
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
from broadcast_bridge.station_book.yearly_figures import yearly_figures, years_of_book
from haichieu.database import Database
from haichieu.people import Level, Unit

pytestmark = pytest.mark.both_databases
MAY = datetime.date(2027, 5, 4)


def places(session: Session) -> dict[str, int]:
    """A province with two communes, one of which has a village."""
    made: dict[str, int] = {}
    for code, level, above in (
        ("T", Level.PROVINCE, None), ("A", Level.COMMUNE, "T"), ("V", Level.VILLAGE, "A"), ("B", Level.COMMUNE, "T"),
    ):  # fmt: skip
        unit = Unit(code=code, name=code, level=level, parent_id=made[above] if above else None)
        session.add(unit)
        session.flush()
        made[code] = unit.id
    return made


def add(session: Session, *rows: Any) -> None:
    session.add_all(rows)
    session.flush()


def station(unit: int, code: str, technology: str = "fm", condition: str = "good", **more: Any) -> BookStation:
    return BookStation(unit_id=unit, code=code, name=code, technology=technology, condition=condition, **more)


def test_stations_are_counted_by_technology_and_condition(database: Database) -> None:
    with database.session() as session:
        units = places(session)
        add(
            session, station(units["V"], "1", "ict", connected="yes"), station(units["V"], "2", condition="broken"),
            station(units["A"], "3", condition="disposed"), station(units["B"], "4", since_year=2028),
        )  # fmt: skip
        found = yearly_figures(session, set(units.values()), 2027)
        assert [(one.kind, dict(one.by_condition), one.connected) for one in found.stations] == [
            ("fm", {"broken": 1}, 0), ("ict", {"good": 1}, 1),
        ]  # fmt: skip
        assert (found.communes, found.without_station) == (2, [units["B"]])
        assert yearly_figures(session, set(units.values()), 2028).without_station == []
        assert yearly_figures(session, {units["B"]}, 2027).stations == []


def test_inspections_and_plan_are_those_of_the_year(database: Database) -> None:
    with database.session() as session:
        unit = places(session)["A"]
        one = BookDevice(unit_id=unit, code="d", name="d", device_kind="horn", condition="worn")
        add(session, one)
        for day, finding in ((MAY, "failed"), (MAY.replace(month=6), "passed"), (MAY.replace(year=2026), "passed")):
            add(session, BookInspection(unit_id=unit, device_id=one.id, inspected_on=day, finding=finding))
        for year, work in ((2027, "Đài mới"), (2026, "Đài cũ")):
            add(session, BookPlan(unit_id=unit, year=year, work=work, plan_kind="new", plan_state="done", cost=5))
        found = yearly_figures(session, {unit}, 2027)
        assert (dict(found.findings), found.inspected) == ({"failed": 1, "passed": 1}, 1)
        assert [plan.work for plan in found.plans] == ["Đài mới"]
        assert years_of_book(session, {unit}, MAY) == [2028, 2027, 2026]


def test_course_of_the_province_counts_for_its_participants(database: Database) -> None:
    with database.session() as session:
        units = places(session)
        course = BookCourse(unit_id=units["T"], code="L1", name="Biên tập", starts_on=MAY)
        add(session, course, BookNeed(unit_id=units["A"], year=2027, topic="x", audience="it_staff", people=3))
        for unit, person, result in (("A", "Páo", "certified"), ("A", "Mai", "absent"), ("B", "Lan", "present")):
            add(
                session,
                BookAttendance(unit_id=units[unit], course_id=course.id, person=person, attended=result),
            )
        [mine] = yearly_figures(session, {units["A"]}, 2027).courses
        assert (mine.name, dict(mine.by_result)) == ("Biên tập", {"certified": 1, "absent": 1})
        assert yearly_figures(session, {units["A"]}, 2027).needs == {"it_staff": 3}
        assert yearly_figures(session, {units["V"]}, 2027).courses == []
        [every] = yearly_figures(session, set(units.values()), 2027).courses
        assert sum(every.by_result.values()) == 3


def test_money_is_summed_by_fund_and_purpose(database: Database) -> None:
    with database.session() as session:
        unit = places(session)["A"]
        for fund, purpose, spent in (
            ("central", "stations", 10**13),
            ("central", "repairs", 2),
            ("donors", "repairs", 3),
        ):
            line = {"fund": fund, "purpose": purpose, "planned": 10**13, "allocated": 10**13, "spent": spent}
            add(session, BookBudget(unit_id=unit, year=2027, **line), BookBudget(unit_id=unit, year=2026, **line))
        found = yearly_figures(session, {unit}, 2027)
        assert [(one.name, one.planned, one.spent) for one in found.by_fund] == [
            ("central", 2 * 10**13, 10**13 + 2), ("donors", 10**13, 3),
        ]  # fmt: skip
        assert [(one.name, one.spent) for one in found.by_purpose] == [("repairs", 5), ("stations", 10**13)]


def test_repairs_of_a_year_are_counted_by_fault(database: Database) -> None:
    with database.session() as session:
        made = places(session)
        speakers = [Speaker(code=f"loa-{unit}", name=unit, unit_id=made[unit]) for unit in ("V", "B")]
        add(session, *speakers)
        at = datetime.datetime(2027, 5, 4, tzinfo=datetime.UTC)
        for speaker, opened, cost in (
            (speakers[0], at, 150_000), (speakers[0], at - datetime.timedelta(days=400), 7), (speakers[1], at, 9)
        ):  # fmt: skip
            closed = {"state": "closed", "closed_at": opened + datetime.timedelta(days=3), "outcome": "done"}
            row = Repair(speaker_id=speaker.id, fault="silent", broken_since=opened, opened_at=opened, cost=cost)
            row.reports = [FaultReport(fault="silent", origin="panel", at=opened)]
            for name, value in closed.items():
                setattr(row, name, value)
            add(session, row)
        found = yearly_figures(session, [made["A"], made["V"]], 2027)
    assert found.repairs == [Repairs("silent", 1, 1, 3.0, 150_000)]
