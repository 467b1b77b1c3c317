"""Names of units for people: a village is always named together with its commune, since villages share names."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.people import Level, Unit


@dataclass(frozen=True)
class UnitName:
    """The name of a unit; `commune` and `commune_id` are those of the unit itself unless it is a village."""

    name: str
    commune: str
    commune_id: int
    is_village: bool

    def __str__(self) -> str:
        return f"{self.name} ({self.commune})" if self.is_village and self.commune else self.name


def unit_names(session: Session) -> Mapping[int, UnitName]:
    """Return the names of all units, by id, in one query."""
    rows = session.execute(sa.select(Unit.id, Unit.name, Unit.level, Unit.parent_id)).all()
    names = {row.id: row.name for row in rows}
    parents = {row.id: row.parent_id for row in rows}
    levels = {row.id: row.level for row in rows}
    found = {}
    for row in rows:
        commune = _commune_of(row.id, levels, parents)
        above = names[commune] if commune != row.id else ""
        found[row.id] = UnitName(row.name, above or row.name, commune, row.level == Level.VILLAGE and bool(above))
    return found


def communes_within(unit_ids: Collection[int]) -> sa.CTE:
    """Return a table of `unit_id` and `commune_id` for these units.

    The commune of a village is the nearest unit above that is no village, as far as that is one of these units.
    """
    top = sa.or_(Unit.level != Level.VILLAGE, Unit.parent_id.is_(None), Unit.parent_id.not_in(unit_ids))
    chosen = Unit.id.in_(unit_ids)
    tree = sa.select(Unit.id.label("unit_id"), Unit.id.label("commune_id")).where(chosen, top)
    communes = tree.cte("communes", recursive=True)
    below = sa.select(Unit.id, communes.c.commune_id).join(communes, Unit.parent_id == communes.c.unit_id)
    return communes.union(below.where(chosen, Unit.level == Level.VILLAGE))


def _commune_of(unit_id: int, levels: Mapping[int, str], parents: Mapping[int, int | None]) -> int:
    """Return the commune of a village: the nearest unit above that is no village; of any other unit, the unit."""
    seen: set[int] = set()
    one = unit_id
    while levels[one] == Level.VILLAGE and one not in seen:
        seen.add(one)
        parent = parents.get(one)
        if parent is None:
            break
        one = parent
    return one
