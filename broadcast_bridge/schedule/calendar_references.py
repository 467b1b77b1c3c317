"""Zones and programmes that a calendar file names.

Other programs write names in decomposed letters, in another case, or several in one property. A name that nobody has is
refused: the wrong village must not hear the programme.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.errors import CalendarRefused, NoSuchPart
from haichieu.database import Base
from haichieu.folded_text import name_key
from haichieu.locale import message
from haichieu.people import Unit, live_unit

T = TypeVar("T", bound=Base)

_BETWEEN = re.compile(r"\s*(?:[,;|/+&]|(?<=\s)(?:và|and)(?=\s))\s*", re.IGNORECASE)
_MOST_PARTS = 8
"""A name contains at most this many separators."""


class References:
    """The rows that one file can name: all zones, and the programmes of `units`."""

    def __init__(self, session: Session, units: frozenset[int]) -> None:
        self._session = session
        self._units = units
        self._zones: dict[str, dict[int, str]] | None = None
        self._titles: dict[str, list[tuple[int, str]]] | None = None

    def zones(self, place: str) -> tuple[int, ...]:
        """Return the zones in a LOCATION: one name or code, or a list of them.

        Raises NoSuchPart with the part that no zone is named, CalendarRefused for one that several are named.
        """
        place = " ".join(unicodedata.normalize("NFC", place).replace("\n", ";").split())
        parts = list(_parts(place))
        found: list[int] = []
        index = 0
        while index < len(parts):
            for last in range(min(len(parts), index + _MOST_PARTS) - 1, index - 1, -1):
                zone = self._zone(place[parts[index][0] : parts[last][1]])
                if zone is not None:
                    break
            else:
                raise _no_such(Zone, place[slice(*parts[index])])
            found.append(zone)
            index = last + 1
        return tuple(dict.fromkeys(found))

    def unit(self, code: str) -> Unit:
        """Return the unit with this code, or the one that it was merged into. Raises NoSuchPart."""
        return live_unit(self._session, self.row(Unit, Unit.code, code))

    def programme(self, title: str, has: int | None = None) -> int | None:
        """Return the programme of that title: `has` if it is so named, or else the newest of the units."""
        title = unicodedata.normalize("NFC", title)
        named = self._named().get(name_key(title), [])
        exactly = [key for key, name in named if unicodedata.normalize("NFC", name) == title]
        same = exactly or [key for key, _name in named]
        if has is not None and has not in same:
            present = self._session.scalar(sa.select(Programme.title).where(Programme.id == has))
            if present is not None and name_key(present) == name_key(title):
                return has
        return has if has in same else next(iter(same), None)

    def required_programme(self, title: str, has: int | None = None) -> int:
        """Return the programme of that title, as `programme` does. Raises NoSuchPart."""
        found = self.programme(title, has)
        if found is None:
            raise _no_such(Programme, title)
        return found

    def row(self, model: type[T], column: sa.orm.InstrumentedAttribute[str], value: str) -> Any:
        """Return the newest row with that code. Raises NoSuchPart."""
        key = sa.inspect(model).primary_key[0]
        value = unicodedata.normalize("NFC", value)
        found = self._session.scalars(sa.select(model).where(column == value).order_by(key.desc()).limit(1)).first()
        if found is None:
            raise _no_such(model, value)
        return found

    def _zone(self, name: str) -> int | None:
        if self._zones is None:
            self._zones = {}
            for zone in self._session.scalars(sa.select(Zone).where(Zone.removed_at.is_(None))):
                for written in (zone.name, zone.code):
                    self._zones.setdefault(name_key(written), {})[zone.id] = unicodedata.normalize("NFC", written)
        found = self._zones.get(name_key(name), {})
        exactly = [key for key, written in found.items() if written == name.strip()]
        same = exactly or list(found)
        if len(same) > 1:
            raise CalendarRefused("schedule.calendar.several_zones", name=name.strip()[:60])
        return next(iter(same), None)

    def _named(self) -> dict[str, list[tuple[int, str]]]:
        if self._titles is None:
            self._titles = {}
            wanted = sa.select(Programme.id, Programme.title).where(Programme.unit_id.in_(self._units))
            for key, title in self._session.execute(wanted.order_by(Programme.id.desc())):
                self._titles.setdefault(name_key(title), []).append((key, title))
        return self._titles


def _parts(place: str) -> Iterator[tuple[int, int]]:
    """Yield begin and end of the parts of a list."""
    begin = 0
    for match in _BETWEEN.finditer(place):
        if place[begin : match.start()].strip():
            yield begin, match.start()
        begin = match.end()
    if place[begin:].strip():
        yield begin, len(place)


def _no_such(model: type[Base], name: str) -> NoSuchPart:
    which = message("schedule.quoted", text=name.strip()[:60])
    return NoSuchPart(f"schedule.no_such.{model.__tablename__}", which=which)
