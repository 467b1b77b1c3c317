"""Statistics of cases by unit, category and medium: how many, how soon they were answered, which are late.

A merged case is counted once, as the case it was merged into.
"""

import datetime
import statistics
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.cases.case_lifecycle import OPEN
from feedback.cases.case_search import NOT_MERGED
from feedback.models import Case, Category
from feedback.states import Channel
from haichieu.people import Unit
from haichieu.unit_names import communes_within, unit_names


@dataclass(frozen=True)
class Handled:
    """Statistics of the cases of one unit, one category, or all, opened in a period. `code` "" is without category.

    `waiting` and `overdue` are as of now; `late` were answered after their due date.
    """

    code: str
    name: str
    opened: int
    answered: int
    waiting: int
    overdue: int
    late: int
    median_hours: float | None
    """From opening to answer."""
    within_a_day: int
    within_a_week: int


@dataclass(frozen=True)
class CaseReport:
    """Cases opened in a period, as a whole, by commune, unit, category and medium. A village has its commune's name."""

    total: Handled
    by_commune: list[Handled]
    by_unit: list[Handled]
    by_category: list[Handled]
    by_channel: list[Handled]


class _Course(NamedTuple):
    """Number of cases of one unit, category and medium, and the hours until each was answered."""

    unit_id: int
    category_id: int | None
    channel: str
    opened: int
    waiting: int
    overdue: int
    late: int
    hours: list[float]


def cases_handled(
    session: Session,
    unit_ids: Collection[int],
    since: datetime.datetime,
    until: datetime.datetime,
    at: datetime.datetime,
) -> CaseReport:
    """Return the statistics of cases of these units that were opened between two moments; `at` is now."""
    courses = _courses(session, unit_ids, since, until, at)
    names = unit_names(session)
    units: dict[Hashable, tuple[str, str]] = {
        number: (code, str(names[number])) for number, code in session.execute(sa.select(Unit.id, Unit.code))
    }
    commune = communes_within(unit_ids)
    communes = {row.unit_id: row.commune_id for row in session.execute(sa.select(commune))}
    categories: dict[Hashable, tuple[str, str]] = {
        one.id: (one.code, one.name) for one in session.scalars(sa.select(Category))
    }
    categories[None] = ("", "")
    return CaseReport(
        _handled(("", ""), courses),
        _grouped(((communes[one.unit_id], one) for one in courses), units),
        _grouped(((one.unit_id, one) for one in courses), units),
        _grouped(((one.category_id, one) for one in courses), categories),
        _grouped(((one.channel, one) for one in courses), {str(one): (str(one), str(one)) for one in Channel}),
    )


def _courses(
    session: Session,
    unit_ids: Collection[int],
    since: datetime.datetime,
    until: datetime.datetime,
    at: datetime.datetime,
) -> list[_Course]:
    wanted = (
        Case.unit_id.in_(unit_ids),
        Case.opened_at >= since,
        Case.opened_at < until,
        NOT_MERGED,
    )
    groups = Case.unit_id, Case.category_id, Case.channel
    hours: dict[tuple[int, int | None, str], list[float]] = defaultdict(list)
    for unit_id, category_id, channel, opened_at, answered_at in session.execute(
        sa.select(*groups, Case.opened_at, Case.answered_at).where(*wanted)
    ):
        if answered_at is not None:
            hours[unit_id, category_id, channel].append((answered_at - opened_at).total_seconds() / 3600)
    waits = Case.status.in_(OPEN)
    counted = session.execute(
        sa.select(
            *groups,
            sa.func.count(),
            sa.func.count().filter(waits),
            sa.func.count().filter(waits, Case.due_at < at),
            sa.func.count().filter(Case.answered_at > Case.due_at),
        )
        .where(*wanted)
        .group_by(*groups)
    )
    return [_Course(*row, hours[row[0], row[1], row[2]]) for row in counted]


def _grouped(courses: Iterable[tuple[Hashable, _Course]], names: Mapping[Hashable, tuple[str, str]]) -> list[Handled]:
    groups: dict[Hashable, list[_Course]] = {}
    for key, one in courses:
        groups.setdefault(key, []).append(one)
    return sorted((_handled(names[key], group) for key, group in groups.items()), key=lambda one: one.code)


def _handled(named: tuple[str, str], courses: Collection[_Course]) -> Handled:
    hours = [hour for one in courses for hour in one.hours]
    return Handled(
        *named,
        opened=sum(one.opened for one in courses),
        answered=len(hours),
        waiting=sum(one.waiting for one in courses),
        overdue=sum(one.overdue for one in courses),
        late=sum(one.late for one in courses),
        median_hours=statistics.median(hours) if hours else None,
        within_a_day=sum(hour <= 24 for hour in hours),
        within_a_week=sum(hour <= 7 * 24 for hour in hours),
    )
