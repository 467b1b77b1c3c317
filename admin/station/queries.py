"""Lists of the station's entries, and what their forms let choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload
from werkzeug.exceptions import NotFound

from admin.access.visitors import visitor
from admin.cases.answer_templates import answer_templates
from admin.entries.scope import units_to_choose
from admin.layout.language import say, sentence
from broadcast_bridge.alerts.models import AlertSource
from broadcast_bridge.models import Zone
from broadcast_bridge.source_system.models import Source
from feedback.models import Category, Department
from haichieu.district.entries import Kind
from haichieu.district.station_kinds import STATION
from haichieu.locale import message
from haichieu.sip.models import Phone, Trunk
from haichieu.station import the_station
from haichieu.unit_names import unit_names


@dataclass(frozen=True)
class Listed:
    """An entry in a list; `id` is 0 for one that is built in."""

    id: int
    code: str
    name: str
    detail: str


def entries_of(session: Session) -> dict[str, Sequence[Listed]]:
    """Return all entries by their kind."""
    return {
        "phones": [Listed(one.id, one.code, one.name, one.caller_number) for one in _all(session, Phone)],
        "trunks": [Listed(one.id, one.code, one.host, _state(one)) for one in _all(session, Trunk)],
        "departments": [Listed(one.id, one.code, one.name, one.email) for one in _all(session, Department)],
        "categories": [
            Listed(one.id, one.code, one.name, one.department.name)
            for one in session.scalars(
                sa.select(Category).options(joinedload(Category.department)).order_by(Category.code)
            )
        ],
        "answer-templates": [Listed(one.id, one.code, one.name, one.text) for one in answer_templates(session)],
        "alert-sources": [
            Listed(one.id, one.code, one.name, say("station.enabled") if one.enabled else say("station.disabled"))
            for one in _all(session, AlertSource)
        ],
        "sources": [
            Listed(one.id, one.code, one.name, f"{_contact(one)} · {one.address}")
            for one in session.scalars(sa.select(Source).where(Source.removed_at.is_(None)).order_by(Source.code))
        ],
    }


def entry_of(session: Session, kind: Kind, number: int) -> Any:
    """Return the row. Raises NotFound."""
    if kind is STATION:
        return the_station(session)
    row = session.get(kind.model, number)
    if row is None or getattr(row, "removed_at", None) is not None:
        raise NotFound
    return row


def choices_of(session: Session) -> dict[str, list[tuple[str, str]]]:
    """Return the units, departments and zones to choose, each with its code."""
    names = unit_names(session)
    zones = session.scalars(sa.select(Zone).where(Zone.removed_at.is_(None)).order_by(Zone.code))
    return {
        "units": [(unit.code, str(names[unit.id])) for unit in units_to_choose(session, visitor())],
        "departments": [(one.code, one.name) for one in _all(session, Department)],
        "zones": [(zone.code, f"{zone.name} ({zone.code})") for zone in zones],
    }


def _all(session: Session, model: Any) -> Sequence[Any]:
    return session.scalars(sa.select(model).order_by(model.code)).all()


def _contact(source: Source) -> str:
    if source.last_problem is not None:
        return f"{say('bulletins.no_contact')}: {sentence(source.last_problem).rstrip('.')}"
    return say("bulletins.connected") if source.last_ok_at else say("station.never_asked")


def _state(trunk: Trunk) -> str:
    return sentence(message(f"trunk.state.{trunk.state or 'unknown'}"))
