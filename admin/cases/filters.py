"""Filters of the inbox in the address; invalid ones are ignored."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from feedback.cases.case_lifecycle import OPEN
from feedback.cases.case_search import Place, Wanted
from feedback.models import Category, Department
from feedback.states import CaseStatus, Channel
from haichieu.people import Unit

LONGEST_WORDS = 200
WAITING = "waiting"
"""Every state in which the citizen waits for an answer."""


@dataclass(frozen=True)
class Choices:
    """The choices of the filters: units, categories and departments by name."""

    units: Sequence[Unit]
    categories: Sequence[Category]
    departments: Sequence[Department]


@dataclass(frozen=True)
class Filters:
    """The chosen filters."""

    words: str = ""
    status: str = ""
    unit: str = ""
    category: str = ""
    department: str = ""
    channel: str = ""
    overdue: bool = False
    mine: bool = False

    @property
    def address(self) -> dict[str, str]:
        """The filters as query parameters, without empty ones."""
        chosen = {
            "q": self.words, "status": self.status, "unit": self.unit, "category": self.category,
            "department": self.department, "channel": self.channel, "overdue": "yes" if self.overdue else "",
            "mine": "yes" if self.mine else "",
        }  # fmt: skip
        return {name: value for name, value in chosen.items() if value}


def choices(session: Session, who: Visitor) -> Choices:
    """Return the choices that the filters offer this visitor."""
    return Choices(
        session.scalars(sa.select(Unit).where(Unit.id.in_(who.units)).order_by(Unit.name)).all(),
        session.scalars(sa.select(Category).order_by(Category.code)).all(),
        session.scalars(sa.select(Department).order_by(Department.name)).all(),
    )


def read_filters(given: Mapping[str, str], offered: Choices) -> Filters:
    """Return the filters in an address."""

    def one_of(name: str, allowed: Sequence[str]) -> str:
        value = given.get(name, "")
        return value if value in allowed else ""

    return Filters(
        given.get("q", "")[:LONGEST_WORDS].replace("\x00", "").strip(),
        one_of("status", [WAITING, *CaseStatus]),
        one_of("unit", [unit.code for unit in offered.units]),
        one_of("category", [category.code for category in offered.categories]),
        one_of("department", [department.code for department in offered.departments]),
        one_of("channel", list(Channel)),
        given.get("overdue") == "yes",
        given.get("mine") == "yes",
    )


def wanted(filters: Filters, offered: Choices, who: Visitor, at: datetime.datetime) -> Wanted:
    """Return the query, limited to the visitor's units."""
    units = {unit.code: unit.id for unit in offered.units}
    categories = {category.code: category.id for category in offered.categories}
    departments = {department.code: department.id for department in offered.departments}
    statuses: Sequence[CaseStatus] = ()
    if filters.status:
        statuses = OPEN if filters.status == WAITING else [CaseStatus(filters.status)]
    return Wanted(
        filters.words,
        [units.get(filters.unit, who.account.unit_id)],
        statuses,
        categories.get(filters.category),
        departments.get(filters.department),
        who.account.id if filters.mine else None,
        Channel(filters.channel) if filters.channel else None,
        at if filters.overdue else None,
    )


def read_place(text: str) -> Place | None:
    """Return where a page of the list begins; None for the first page and for invalid values."""
    moment, _, number = text.rpartition(",")
    try:
        opened_at = datetime.datetime.fromisoformat(moment).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None
    return (opened_at, int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None


def write_place(place: Place | None) -> str:
    """Return a place as a query parameter."""
    return f"{place[0].astimezone(datetime.UTC).isoformat()},{place[1]}" if place else ""
