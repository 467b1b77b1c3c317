"""Former names of units: people still use them in the search, on the telephone, in messages and in tables."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.folded_text import name_key
from haichieu.people import Unit
from haichieu.units.models import FormerName


def former_names(session: Session, unit_ids: Collection[int] | None = None) -> Mapping[int, Sequence[str]]:
    """Return the former names of live units (of these, or all), the latest first.

    They include the names of units that were merged into them. Another unit may have one of these names now.
    """
    units = {row.id: row for row in session.execute(sa.select(Unit.id, Unit.name, Unit.parent_id, Unit.retired_at))}
    found: dict[int, dict[str, str]] = defaultdict(dict)
    old = [(row.retired_at, row.id, row.name) for row in units.values() if row.retired_at is not None]
    old += [(row.until, row.unit_id, row.name) for row in session.scalars(sa.select(FormerName))]
    for _, number, name in sorted(old, reverse=True):
        while units[number].retired_at is not None and units[number].parent_id is not None:
            number = units[number].parent_id
        is_other = name_key(name) != name_key(units[number].name)
        if is_other and (unit_ids is None or number in unit_ids):
            found[number].setdefault(name_key(name), name)
    return {number: tuple(names.values()) for number, names in found.items()}


def was_named(session: Session, unit: Unit, name: str) -> bool:
    """Return whether a unit has had a name, in any spelling."""
    names = session.scalars(sa.select(FormerName.name).where(FormerName.unit_id == unit.id))
    return name_key(name) in {name_key(one) for one in names}
