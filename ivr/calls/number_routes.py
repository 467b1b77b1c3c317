"""Routes of a number: other flows on some days and at some times. Pure rules, without calls or database.

A route applies on its days within its times; after midnight the new day counts. The routes of a number never overlap,
so their order does not matter.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise
from typing import Self

from haichieu.day_hours import MINUTES_OF_A_DAY, minutes_of, within
from haichieu.errors import HaiChieuError
from haichieu.locale import Message, message
from haichieu.public_holidays import is_working_day


class Days(StrEnum):
    """The days on which a route applies."""

    EVERY = "every"
    WORKING = "working"
    OFF = "off"
    """Weekends and public holidays."""

    def include(self, day: datetime.date) -> bool:
        """Return whether a day is one of them."""
        return self is Days.EVERY or (self is Days.WORKING) == is_working_day(day)

    def meet(self, other: "Days") -> bool:
        """Return whether some day is in both."""
        return self is other or Days.EVERY in (self, other)


@dataclass(frozen=True)
class Route:
    """The flow of calls on some days within some times; empty `hours` are the whole day.

    `duty_phone` replaces the number's own phone for `transfer`, at any time; empty keeps it.
    """

    flow: str
    days: Days = Days.EVERY
    hours: str = ""
    duty_phone: str = ""

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> Self:
        return cls(row["flow"], Days(row["days"]), row["hours"], row["duty_phone"])

    def as_row(self) -> dict[str, str]:
        return {"flow": self.flow, "days": str(self.days), "hours": self.hours, "duty_phone": self.duty_phone}

    def holds(self, local: datetime.datetime) -> bool:
        """Return whether it applies at a local moment."""
        return self.days.include(local.date()) and within(self.hours, local)

    def in_words(self) -> Message:
        """Return its days and times."""
        days = message(f"call.days.{self.days}")
        return message("call.days_and_hours", days=days, hours=self.hours) if self.hours else days


@dataclass(frozen=True)
class Stretch:
    """A part of a day, in minutes from midnight, and its route; None where the flow of the number applies."""

    begins: int
    ends: int
    route: Route | None


class RoutesOverlap(HaiChieuError):
    """Two routes of one number overlap."""

    def __init__(self, one: Route, other: Route) -> None:
        super().__init__("call.routes_overlap", one=one.in_words(), other=other.in_words())


def route_at(routes: Sequence[Route], local: datetime.datetime) -> Route | None:
    """Return the route that applies at a local moment, None without one."""
    return next((route for route in routes if route.holds(local)), None)


def require_apart(routes: Sequence[Route]) -> None:
    """Raise RoutesOverlap when two routes overlap."""
    for one, other in combinations(routes, 2):
        if one.days.meet(other.days) and any(
            begins < other_ends and other_begins < ends
            for begins, ends in minutes_of(one.hours)
            for other_begins, other_ends in minutes_of(other.hours)
        ):
            raise RoutesOverlap(one, other)


def day_plan(routes: Sequence[Route], days: Days) -> list[Stretch]:
    """Return the routes from midnight to midnight on a working day or a day off, without gaps."""
    holding = [
        (begins, ends, route) for route in routes if route.days.meet(days) for begins, ends in minutes_of(route.hours)
    ]
    marks = {0, MINUTES_OF_A_DAY, *(mark for begins, ends, _ in holding for mark in (begins, ends))}
    return [
        Stretch(begin, end, next((route for begins, ends, route in holding if begins <= begin < ends), None))
        for begin, end in pairwise(sorted(marks))
    ]
