"""Units of entries, and what a visitor may see or choose."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload
from werkzeug.exceptions import NotFound

from admin.access.permissions import require_in
from admin.access.visitors import Visitor
from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.speakers.zones import Reach, reach_of
from haichieu.account_rights import Action
from haichieu.people import Account, Official, Unit
from haichieu.unit_names import unit_names
from ivr.calls.routing import Number


def units_of_speaker(session: Session, number: int) -> Iterable[int]:
    """Return the unit of a speaker. Raises NotFound."""
    return [_found(session, Speaker, number).unit_id]


def units_of_official(session: Session, number: int) -> Iterable[int]:
    """Return the unit of an official. Raises NotFound."""
    return [_found(session, Official, number).unit_id]


def units_of_number(session: Session, number: int) -> Iterable[int]:
    """Return the unit of a dialled number. Raises NotFound."""
    return [_found(session, Number, number).unit_id]


def every_unit(session: Session, **_: object) -> Iterable[int]:
    """Return all units, for what belongs to the whole station."""
    return session.scalars(sa.select(Unit.id)).all()


def units_of_zone_numbered(session: Session, number: int) -> Iterable[int]:
    """Return the units of a zone. Raises NotFound."""
    return units_of_zone(session, _found(session, Zone, number))


def units_of_zone(session: Session, zone: Zone) -> set[int]:
    """Return the units of a zone, those below them, and those of its speakers."""
    return units_reached(zone, reach_of(session, [zone.id])[zone.id])


def units_reached(zone: Zone, reach: Reach) -> set[int]:
    """Return the same for a zone whose reach is known."""
    return reach.units | {one.unit_id for one in zone.speakers} | {one.unit_id for one in reach.speakers}


def require_to_configure(session: Session, row: Any) -> None:
    """Raise NotAllowed unless the visitor may change this row; without a unit it belongs to the whole station."""
    if isinstance(row, Zone):
        units: Iterable[int] = units_of_zone(session, row)
    else:
        units = [row.unit_id] if hasattr(row, "unit_id") else every_unit(session)
    require_in(session, Action.MANAGE_ACCOUNTS if isinstance(row, Account) else Action.CONFIGURE, units)


def require_zones_of_official(session: Session, row: Official) -> None:
    """Raise NotAllowed unless the visitor may change the official and all zones that they may speak in."""
    require_to_configure(session, row)
    for zone in row.zones:  # type: ignore[attr-defined]
        require_in(session, Action.CONFIGURE, units_of_zone(session, zone))


def units_to_choose(session: Session, visitor: Visitor) -> Sequence[Unit]:
    """Return the visitor's units by name, without retired ones."""
    mine = sa.select(Unit).where(Unit.id.in_(visitor.units), Unit.retired_at.is_(None))
    return session.scalars(mine.order_by(Unit.name, Unit.id)).all()


def named_units(session: Session, visitor: Visitor) -> list[tuple[str, str]]:
    """Return the codes and names of the visitor's units, as choices of a form."""
    names = unit_names(session)
    return [(unit.code, str(names[unit.id])) for unit in units_to_choose(session, visitor)]


def zones_to_choose(session: Session, visitor: Visitor) -> list[Zone]:
    """Return the zones inside the visitor's units."""
    query = sa.select(Zone).where(Zone.removed_at.is_(None)).order_by(Zone.code)
    zones = session.scalars(query.options(selectinload(Zone.speakers))).all()
    reach = reach_of(session, [zone.id for zone in zones])
    return [zone for zone in zones if units_reached(zone, reach[zone.id]) <= visitor.units]


def _found(session: Session, model: type[Any], number: int) -> Any:
    row = session.get(model, number) if number < 2**31 else None
    if row is None:
        raise NotFound
    return row
