"""Numbers that people dial, and the call flow of each at a moment."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship

from broadcast_bridge.broadcasts.call_backs import PIN_FLOW
from haichieu.database import Base
from haichieu.people import Unit
from haichieu.phone_numbers import normalise, same_number
from haichieu.station import the_station
from ivr.calls.number_routes import Route, route_at
from ivr.flows.definition import delivered_flow, delivered_flows

DUTY_FLOW = "duty-desk"
"""The flow that transfers callers to the duty desk at once."""

HOTLINE_FLOW = "hotline"

FAULT_FLOW = "fault-line"
"""The flow in which citizens report a speaker by the code on its pole."""

EMERGENCY_FLOW = "official-line"
"""Asterisk answers the emergency line while the application is down; otherwise officials sign in there."""

BOOKED_FLOW = "booked-live"
ANSWER_FLOW = "answer-call"

PLACED_BY_THE_STATION = frozenset({ANSWER_FLOW, BOOKED_FLOW})
"""Flows of calls that the station places itself; no number leads to them."""

OF_THE_STATION = frozenset({EMERGENCY_FLOW, PIN_FLOW, *PLACED_BY_THE_STATION})
"""Flows that the station follows whatever its numbers say: no single unit may change them."""


class Number(Base):
    """A number that people dial, as the trunk or a local phone presents it."""

    __tablename__ = "numbers"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(32), unique=True)
    flow: Mapped[str] = mapped_column(sa.String(60))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"))
    language: Mapped[str] = mapped_column(sa.String(8), default="")
    missed_call_back: Mapped[bool] = mapped_column(default=False)
    """Whether callers who hang up before the answer are called back, at no cost to them."""
    duty_phone: Mapped[str] = mapped_column(sa.String(32), default="")
    """The phone for `transfer`; empty without one."""
    duty_hours: Mapped[str] = mapped_column(sa.String(11), default="")
    """`"07:30-17:00"` on working days; empty for always."""

    routes: Mapped[list[dict[str, str]]] = mapped_column(sa.JSON, default=list)
    """Other flows at some times, as written by `ivr.calls.number_routes.Route.as_row`."""

    unit: Mapped[Unit] = relationship()


@dataclass(frozen=True)
class Dialled:
    """The number dialled, as a call needs it; an empty `language` leaves the choice to the caller."""

    number: str
    unit_id: int
    language: str
    duty_phone: str
    duty_hours: str


@dataclass(frozen=True)
class RoutedFlow:
    """The flow of a call to a number at a moment. `route` is None without one."""

    flow: str
    dialled: Dialled
    route: Route | None


def routed_flow_at(number: Number, local: datetime.datetime) -> RoutedFlow:
    """Return the flow of a number at a moment in the station's time zone.

    A route to the duty desk, or with its own duty phone, overrides the desk's own hours.
    """
    dialled = Dialled(number.number, number.unit_id, number.language, number.duty_phone, number.duty_hours)
    route = route_at(routes_of(number), local)
    if route is None:
        return RoutedFlow(number.flow, dialled, None)
    if route.duty_phone:
        dialled = replace(dialled, duty_phone=route.duty_phone, duty_hours="")
    elif route.flow == DUTY_FLOW:
        dialled = replace(dialled, duty_hours="")
    return RoutedFlow(route.flow, dialled, route)


def routes_of(number: Number) -> list[Route]:
    return [Route.from_row(row) for row in number.routes]


def units_routed_to(session: Session, flow: str) -> set[int]:
    """Return the units (their ids) of the numbers that lead to a flow at any time."""
    numbers = session.scalars(sa.select(Number))
    return {one.unit_id for one in numbers if flow in (one.flow, *(route.flow for route in routes_of(one)))}


def known_flows(session: Session) -> Mapping[str, Mapping[str, str]]:
    """Return the flows that a number may lead to, by name, with their titles by language."""
    return {name: delivered_flow(name).title for name in sorted(delivered_flows() - PLACED_BY_THE_STATION)}


def route(session: Session, dialled: str) -> Number | None:
    """Return the number that was dialled, in any spelling; None when it is not in use."""
    exact = session.scalar(sa.select(Number).where(Number.number == dialled))
    if exact is not None:
        return exact
    numbers = session.scalars(sa.select(Number).order_by(Number.id))
    return next((number for number in numbers if same_number(number.number, dialled)), None)


def unit_texted(session: Session, number: str) -> int | None:
    """Return the unit (its id) of a number that was texted, in any spelling; None when it is not ours."""
    found = route(session, number)
    return found.unit_id if found else None


def is_our_number(session: Session, number: str) -> bool:
    """Return whether people dial this number, in any spelling: one of ours, or the emergency number."""
    emergency = the_station(session).emergency_number
    return unit_texted(session, number) is not None or (bool(emergency) and number in (emergency, normalise(emergency)))


def unit_of_text(session: Session, number: str) -> int | None:
    """Return the unit of a number that was texted, else `unit_of_texts`: a citizen's text is not refused for it."""
    return unit_texted(session, number) or unit_of_texts(session)


def unit_of_texts(session: Session) -> int | None:
    """Return the unit for texts whose number decides nothing: the hotline's, else the highest one."""
    hotline = sa.select(Number.unit_id).where(Number.flow == HOTLINE_FLOW).order_by(Number.id).limit(1)
    highest = sa.select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1)
    return session.scalar(hotline) or session.scalar(highest)


def numbers_above(session: Session, flow: str) -> Callable[[int], Number | None]:
    """Return a function from a unit (its id) to the number of a flow of that unit, or of the nearest one above it."""
    query = sa.select(Number).where(Number.flow == flow).order_by(Number.id.desc()).options(joinedload(Number.unit))
    numbers = {one.unit_id: one for one in session.scalars(query)}
    parents = {row.id: row.parent_id for row in session.execute(sa.select(Unit.id, Unit.parent_id))} if numbers else {}

    def number_above(unit_id: int) -> Number | None:
        here: int | None = unit_id
        while here is not None and here not in numbers:
            here = parents.get(here)
        return None if here is None else numbers[here]

    return number_above


def number_for_faults(session: Session, unit_id: int) -> Number | None:
    """Return the number for faults of a unit's speakers: its fault line, else its hotline; None without one."""
    return numbers_above(session, FAULT_FLOW)(unit_id) or numbers_above(session, HOTLINE_FLOW)(unit_id)


def number_shown(session: Session) -> str:
    """Return the number that loudspeakers see: officials' first, else the first; empty when the station has none."""
    first = sa.select(Number.number).order_by(Number.flow != EMERGENCY_FLOW, Number.id).limit(1)
    return session.scalar(first) or ""


def number_of_texts(session: Session) -> str:
    """Return the sender's number of the station's own texts, which receives replies: the first hotline's."""
    return our_number(session) or "haichieu"


def our_number(session: Session) -> str:
    """Return the number by which citizens know the station: the first hotline, else the first; empty without one."""
    first = sa.select(Number.number).order_by(Number.flow != HOTLINE_FLOW, Number.id).limit(1)
    return session.scalar(first) or ""
