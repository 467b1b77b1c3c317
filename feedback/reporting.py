"""How cases were dealt with, by unit and by category: how many, answered how soon, which are late.

A case that was merged into another is counted once, as that other.
"""

import datetime
import statistics
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.cases import OPEN
from feedback.models import Case, Category
from haichieu.people import Unit


@dataclass(frozen=True)
class Handled:
    """What became of cases opened in a period: of one unit, one category, or all. `code` "" is without category.

    `waiting` and `overdue` are as things stand now; `late` were answered after their due date.
    """

    code: str
    name: str
    opened: int
    answered: int
    waiting: int
    overdue: int
    late: int
    median_hours: float | None
    """From opening to the answer."""
    within_a_day: int
    within_a_week: int


@dataclass(frozen=True)
class CaseReport:
    """Cases opened in a period, as a whole, by unit and by category."""

    total: Handled
    by_unit: list[Handled]
    by_category: list[Handled]


@dataclass(frozen=True)
class _Course:
    unit_id: int
    category_id: int | None
    waits: bool
    opened_at: datetime.datetime
    due_at: datetime.datetime | None
    answered_at: datetime.datetime | None


def cases_handled(
    session: Session,
    unit_ids: Collection[int],
    since: datetime.datetime,
    until: datetime.datetime,
    at: datetime.datetime,
) -> CaseReport:
    """Count the cases of units that were opened between two moments; `at` is now."""
    courses = [
        _Course(unit_id, category_id, status in OPEN, opened_at, due_at, answered_at)
        for unit_id, category_id, status, opened_at, due_at, answered_at in session.execute(
            sa.select(
                Case.unit_id, Case.category_id, Case.status, Case.opened_at, Case.due_at, Case.answered_at
            ).where(
                Case.unit_id.in_(unit_ids),
                Case.opened_at >= since,
                Case.opened_at < until,
                Case.duplicate_of_id.is_(None),
            )
        )
    ]  # fmt: skip
    units: dict[Hashable, tuple[str, str]] = {
        unit.id: (unit.code, unit.name) for unit in session.scalars(sa.select(Unit))
    }
    categories: dict[Hashable, tuple[str, str]] = {
        one.id: (one.code, one.name) for one in session.scalars(sa.select(Category))
    }
    categories[None] = ("", "")
    return CaseReport(
        _handled(("", ""), courses, at),
        _grouped(((one.unit_id, one) for one in courses), units, at),
        _grouped(((one.category_id, one) for one in courses), categories, at),
    )


def _grouped(
    courses: Iterable[tuple[Hashable, _Course]], names: Mapping[Hashable, tuple[str, str]], at: datetime.datetime
) -> list[Handled]:
    groups: dict[Hashable, list[_Course]] = {}
    for key, one in courses:
        groups.setdefault(key, []).append(one)
    return sorted((_handled(names[key], group, at) for key, group in groups.items()), key=lambda one: one.code)


def _handled(named: tuple[str, str], courses: Collection[_Course], at: datetime.datetime) -> Handled:
    hours = [(one.answered_at - one.opened_at).total_seconds() / 3600 for one in courses if one.answered_at is not None]
    return Handled(
        *named,
        opened=len(courses),
        answered=len(hours),
        waiting=sum(one.waits for one in courses),
        overdue=sum(one.waits and one.due_at is not None and one.due_at < at for one in courses),
        late=sum(
            one.answered_at is not None and one.due_at is not None and one.answered_at > one.due_at for one in courses
        ),
        median_hours=statistics.median(hours) if hours else None,
        within_a_day=sum(hour <= 24 for hour in hours),
        within_a_week=sum(hour <= 7 * 24 for hour in hours),
    )
