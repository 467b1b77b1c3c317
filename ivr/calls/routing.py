"""The numbers that people dial, and which call flow each of them leads to at a moment."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from haichieu.database import Base
from haichieu.people import Unit
from haichieu.phone_numbers import normalise
from ivr.calls.routes import Route, route_at
from ivr.flows.definition import delivered_flow, delivered_flows

DUTY_FLOW = "duty-desk"
"""The flow that puts callers through to the duty desk at once."""

PLACED_BY_THE_STATION = frozenset({"answer-call", "booked-live"})
"""Flows of calls that the station places itself: no number leads there."""


class Number(Base):
    """A number that people dial, as the trunk or a local phone presents it."""

    __tablename__ = "numbers"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(32), unique=True)
    flow: Mapped[str] = mapped_column(sa.String(60))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"))
    language: Mapped[str] = mapped_column(sa.String(8), default="")
    missed_call_back: Mapped[bool] = mapped_column(default=False)
    """Whether somebody who rings and hangs up before the answer is called back, so that it costs them nothing."""
    duty_phone: Mapped[str] = mapped_column(sa.String(32), default="")
    """Where `transfer` leads; empty for nowhere."""
    duty_hours: Mapped[str] = mapped_column(sa.String(11), default="")
    """`"07:30-17:00"` on working days; empty for always."""

    routes: Mapped[list[dict[str, str]]] = mapped_column(sa.JSON, default=list)
    """Other flows at some hours, as `ivr.calls.routes.Route.as_row` writes them."""

    unit: Mapped[Unit] = relationship()


@dataclass(frozen=True)
class Dialled:
    """What a call needs to know of the number that was dialled; an empty `language` leaves the choice to the caller."""

    number: str
    unit_id: int
    language: str
    duty_phone: str
    duty_hours: str


@dataclass(frozen=True)
class Lead:
    """What a call to a number gets at a moment: the flow, and what it needs to know. `route` is None without one."""

    flow: str
    dialled: Dialled
    route: Route | None


def lead_at(number: Number, local: datetime.datetime) -> Lead:
    """Return where a number leads at a moment in the station's time zone.

    A route that leads to the duty desk, or names another one, means it: the desk's own hours are not asked then.
    """
    dialled = Dialled(number.number, number.unit_id, number.language, number.duty_phone, number.duty_hours)
    route = route_at(routes_of(number), local)
    if route is None:
        return Lead(number.flow, dialled, None)
    if route.duty_phone:
        dialled = replace(dialled, duty_phone=route.duty_phone, duty_hours="")
    elif route.flow == DUTY_FLOW:
        dialled = replace(dialled, duty_hours="")
    return Lead(route.flow, dialled, route)


def routes_of(number: Number) -> list[Route]:
    """The routes of a number."""
    return [Route.from_row(row) for row in number.routes]


def units_led_to(session: Session, flow: str) -> set[int]:
    """The units (their ids) of the numbers that lead to a flow, at whichever hours."""
    numbers = session.scalars(sa.select(Number))
    return {one.unit_id for one in numbers if flow in (one.flow, *(route.flow for route in routes_of(one)))}


def known_flows(session: Session) -> Mapping[str, Mapping[str, str]]:
    """The flows that a number may lead to, by name, with their titles by language."""
    return {name: delivered_flow(name).title for name in sorted(delivered_flows() - PLACED_BY_THE_STATION)}


def route(session: Session, dialled: str) -> Number | None:
    """Return the number that was dialled, or None when nobody lives there."""
    return session.scalar(sa.select(Number).where(Number.number == dialled))


def unit_texted(session: Session, number: str) -> int | None:
    """Return the unit (its id) that a number texted belongs to, in whichever spelling; None when it is not ours."""
    wanted = normalise(number)
    for found in session.scalars(sa.select(Number).order_by(Number.id)):
        if number == found.number or (wanted is not None and wanted == normalise(found.number)):
            return found.unit_id
    return None


def unit_of_texts(session: Session) -> int | None:
    """The unit that texts to the station go to when their number says nothing: the hotline's, else the highest one."""
    hotline = sa.select(Number.unit_id).where(Number.flow == "hotline").order_by(Number.id).limit(1)
    highest = sa.select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1)
    return session.scalar(hotline) or session.scalar(highest)


def number_of_texts(session: Session) -> str:
    """The number that the station's own texts come from, and that an answer to them reaches: the first hotline's."""
    first = sa.select(Number.number).order_by(Number.flow != "hotline", Number.id).limit(1)
    return session.scalar(first) or "haichieu"
