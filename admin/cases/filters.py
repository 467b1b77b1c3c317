"""The list of cases that an address names: tab, order, filters and page. Invalid values are ignored."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from feedback.cases.case_lifecycle import OPEN
from feedback.cases.case_order import Order, Place
from feedback.cases.case_search import Wanted
from feedback.citizens.registry import CitizenBook
from feedback.models import Category, Department
from feedback.states import CaseStatus, Channel
from haichieu.account_rights import Action
from haichieu.people import Unit

LONGEST_WORDS = 200


class Tab(StrEnum):
    """Cases that wait for an answer, those of them that are assigned to the visitor or overdue, and all cases."""

    WAITING = "waiting"
    MINE = "mine"
    OVERDUE = "overdue"
    ALL = "all"


@dataclass(frozen=True)
class Choices:
    """The choices of the filters: units, categories and departments by name."""

    units: Sequence[Unit]
    categories: Sequence[Category]
    departments: Sequence[Department]


@dataclass(frozen=True)
class Filters:
    """The chosen list. `status` is chosen among all cases only; `after` is where the page begins."""

    tab: Tab = Tab.WAITING
    order: Order = Order.DUE
    words: str = ""
    status: str = ""
    unit: str = ""
    category: str = ""
    department: str = ""
    channel: str = ""
    after: str = ""

    @property
    def folded_away(self) -> int:
        """How many filters are chosen besides words and tab."""
        return sum(map(bool, (self.status, self.unit, self.category, self.department, self.channel)))

    @property
    def address(self) -> dict[str, str]:
        """The list as query parameters of its first page, without what goes without saying."""
        chosen = {
            "tab": "" if self.tab is Tab.WAITING else self.tab,
            "sort": "" if self.order is usual_order(self.tab) else self.order,
            "q": self.words, "status": self.status, "unit": self.unit, "category": self.category,
            "department": self.department, "channel": self.channel,
        }  # fmt: skip
        return {name: str(value) for name, value in chosen.items() if value}

    @property
    def place(self) -> dict[str, str]:
        """The list and the shown page as query parameters."""
        return {**self.address, "after": self.after} if self.after else self.address

    def on_tab(self, tab: str, *, plain: bool = False) -> dict[str, str]:
        """The first page of another tab as query parameters; `plain` without words and filters."""
        there = Tab(tab)
        order = usual_order(there) if self.order is usual_order(self.tab) else self.order
        if plain:
            return Filters(there, order).address
        return replace(self, tab=there, order=order, status=self.status if there is Tab.ALL else "").address

    def in_order(self, order: Order) -> dict[str, str]:
        """The first page in another order as query parameters."""
        return replace(self, order=order).address


@dataclass(frozen=True)
class Listing:
    """A list of cases, limited to the visitor's units: what was chosen, what can be chosen, and the query."""

    filters: Filters
    offered: Choices
    wanted: Wanted

    @property
    def start(self) -> Place | None:
        """Where the shown page begins; None for the first page."""
        return read_place(self.filters.after)


def listing(
    session: Session, book: CitizenBook, who: Visitor, given: Mapping[str, str], at: datetime.datetime
) -> Listing:
    """Return the list that an address names. A citizen's number finds their cases for those who may see numbers."""
    offered = _choices(session, who)
    filters = _read_filters(given, offered)
    citizen = book.look_up(session, filters.words) if who.may(Action.SEE_NUMBERS) else None
    return Listing(filters, offered, _wanted(filters, offered, who, citizen.id if citizen else None, at))


def usual_order(tab: Tab) -> Order:
    """Return the order of a tab whose address names none."""
    return Order.NEWEST if tab is Tab.ALL else Order.DUE


def read_place(text: str) -> Place | None:
    """Return where a page of the list begins; None for the first page and for invalid values."""
    moment, _, number = text.rpartition(",")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return None
    try:
        return (datetime.datetime.fromisoformat(moment).astimezone(datetime.UTC) if moment else None), int(number)
    except (ValueError, OverflowError):
        return None


def write_place(place: Place | None) -> str:
    """Return a place as a query parameter."""
    if place is None:
        return ""
    moment, case_id = place
    return f"{moment.astimezone(datetime.UTC).isoformat() if moment else ''},{case_id}"


def _choices(session: Session, who: Visitor) -> Choices:
    return Choices(
        session.scalars(sa.select(Unit).where(Unit.id.in_(who.units)).order_by(Unit.name)).all(),
        session.scalars(sa.select(Category).order_by(Category.code)).all(),
        session.scalars(sa.select(Department).order_by(Department.name)).all(),
    )


def _read_filters(given: Mapping[str, str], offered: Choices) -> Filters:
    def one_of(name: str, allowed: Sequence[str]) -> str:
        value = given.get(name, "")
        return value if value in allowed else ""

    status = one_of("status", list(CaseStatus))
    tab = Tab(one_of("tab", list(Tab)) or (Tab.ALL if status else Tab.WAITING))
    order = Order(one_of("sort", list(Order)) or usual_order(tab))
    place = read_place(given.get("after", ""))
    if place is not None and place[0] is None and order is Order.NEWEST:
        place = None
    return Filters(
        tab,
        order,
        given.get("q", "")[:LONGEST_WORDS].replace("\x00", "").strip(),
        status if tab is Tab.ALL else "",
        one_of("unit", [unit.code for unit in offered.units]),
        one_of("category", [category.code for category in offered.categories]),
        one_of("department", [department.code for department in offered.departments]),
        one_of("channel", list(Channel)),
        write_place(place),
    )


def _wanted(filters: Filters, offered: Choices, who: Visitor, citizen_id: int | None, at: datetime.datetime) -> Wanted:
    units = {unit.code: unit.id for unit in offered.units}
    categories = {category.code: category.id for category in offered.categories}
    departments = {department.code: department.id for department in offered.departments}
    statuses: Sequence[CaseStatus] = OPEN
    if filters.tab is Tab.ALL:
        statuses = [CaseStatus(filters.status)] if filters.status else ()
    return Wanted(
        filters.words,
        [units.get(filters.unit, who.account.unit_id)],
        statuses,
        categories.get(filters.category),
        departments.get(filters.department),
        who.account.id if filters.tab is Tab.MINE else None,
        Channel(filters.channel) if filters.channel else None,
        at if filters.tab is Tab.OVERDUE else None,
        not_merged=filters.tab is not Tab.ALL,
        or_citizen_id=citizen_id,
    )
