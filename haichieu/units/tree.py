"""The unit tree in memory: units are few, and every rule about them asks about their place."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.folded_text import name_key
from haichieu.people import Level, Unit

RANK = {level: rank for rank, level in enumerate((Level.PROVINCE, Level.DISTRICT, Level.COMMUNE, Level.VILLAGE))}


class Tree:
    """All units, retired ones included, as they are in the session now."""

    def __init__(self, session: Session) -> None:
        self.units = {unit.id: unit for unit in session.scalars(sa.select(Unit).order_by(Unit.name, Unit.id))}
        self._below: dict[int | None, list[Unit]] = defaultdict(list)
        for unit in self.units.values():
            self._below[unit.parent_id].append(unit)

    def live_below(self, unit_id: int | None) -> Sequence[Unit]:
        """Return the units directly below one, by name, without retired ones; of None, the highest ones."""
        return [unit for unit in self._below[unit_id] if unit.retired_at is None]

    def retired_below(self, unit_id: int) -> Sequence[Unit]:
        """Return the units that were merged into one."""
        return [unit for unit in self._below[unit_id] if unit.retired_at is not None]

    def above(self, unit_id: int) -> Sequence[int]:
        """Return the ids of the units above one, the nearest first."""
        chain: list[int] = []
        parent = self.units[unit_id].parent_id
        while parent is not None and parent not in chain:
            chain.append(parent)
            parent = self.units[parent].parent_id
        return chain

    def all_below(self, unit_id: int) -> set[int]:
        """Return the ids of a unit and all units below it, retired ones included."""
        found, waiting = set[int](), [unit_id]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += [unit.id for unit in self._below[one]]
        return found

    def province_of(self, unit_id: int) -> int | None:
        """Return the province of a unit, itself for a province; None when the tree has none above it."""
        chain = (unit_id, *self.above(unit_id))
        return next((one for one in chain if self.units[one].level == Level.PROVINCE), None)

    def rank(self, unit_id: int) -> int:
        """Return 0 for a province up to 3 for a village."""
        return RANK[Level(self.units[unit_id].level)]

    def named(self, parent_id: int | None, name: str) -> Sequence[Unit]:
        """Return the live units directly below one that have this name, in any spelling."""
        return [unit for unit in self.live_below(parent_id) if name_key(unit.name) == name_key(name)]

    def in_order(self, top: int | None = None, depth: int = 0) -> Iterator[tuple[Unit, int]]:
        """Yield the live units, each before those below it, with its depth."""
        for unit in self.live_below(top):
            yield unit, depth
            yield from self.in_order(unit.id, depth + 1)
