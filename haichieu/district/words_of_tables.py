"""Words in a table of entries as people write them: names of columns, of units and zones, and of choices.

The keys and codes of the district file are understood too. Case, diacritics, spaces and punctuation make no difference
where they need not.
"""

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Zone
from haichieu.district.entries import CHOICES, EntryRefused, Kind
from haichieu.folded_text import folded, name_key, words_of
from haichieu.locale import FALLBACK, LANGUAGES, Message, message
from haichieu.locale.catalogue import catalogue
from haichieu.people import Unit, unit_coded
from haichieu.unit_names import unit_names
from haichieu.units.former_names import former_names

COUNTER = "#"
"""The column in which people number their lines."""
COUNTER_HEADS = ("#", "stt", "tt", "so thu tu", "so tt", "no")


def plain(text: str) -> str:
    """Return the words of a text in small letters without diacritics and punctuation."""
    return " ".join(words_of(folded(text))) or text.strip()


def columns_of(kind: Kind) -> Sequence[str]:
    """Return the fields of an entry that a table can have."""
    return [name for name in kind.entry.model_fields if f"district.column.{name}" in catalogue(FALLBACK).keys]


def names_of_columns(kind: Kind) -> Mapping[str, str]:
    """Return the fields of an entry by every head that its column may have, without diacritics."""
    found = dict.fromkeys(COUNTER_HEADS, COUNTER)
    for name in columns_of(kind):
        for language in LANGUAGES:
            known = catalogue(language)
            others = known.template(f"district.column_also.{name}").split("|")
            found |= {plain(head): name for head in (known.template(f"district.column.{name}"), *others)}
    return found | {plain(name): name for name in kind.entry.model_fields}


def column_letter(place: int) -> str:
    """Return the letters of a spreadsheet's column, counted from 0."""
    return (column_letter(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)


def choice(field: str, typed: str) -> str:
    """Return the key of a right or a role named in any language; other words as they are."""
    for key, named in CHOICES.get(field, {}).items():
        if plain(typed) in (plain(key), *(plain(catalogue(language).template(named)) for language in LANGUAGES)):
            return key
    return typed


class Places:
    """Units and zones by name; read once per table."""

    def __init__(self, session: Session) -> None:
        self._understood: dict[str, str] = {}
        self._told: set[str] = set()
        names = unit_names(session)
        units = session.execute(sa.select(Unit.id, Unit.code)).all()
        codes = {number: code for number, code in units}
        live = set(session.scalars(sa.select(Unit.id).where(Unit.retired_at.is_(None))))
        self._units = self._named(
            (code, (names[number].name, f"{names[number].name} {names[number].commune}"), str(names[number]))
            for number, code in units
            if number in live
        )
        former = former_names(session).items()
        self._former = self._named((codes[number], old, str(names[number])) for number, old in former)
        self._retired = {code.casefold(): unit_coded(session, code) for number, code in units if number not in live}
        zones = session.execute(sa.select(Zone.code, Zone.name).where(Zone.removed_at.is_(None)))
        self._zones = self._named((code, (name,), name) for code, name in zones)

    def code(self, field: str, typed: str) -> str:
        """Return the code of a unit or a zone; words that name neither as they are. Raises EntryRefused."""
        if field not in ("unit", "units", "zones"):
            return typed
        if field == "zones":
            return self._zones.code(field, typed)
        into = self._retired.get(typed.casefold())
        code = into.code if into is not None else self._units.code(field, typed)
        return self._former.code(field, typed) if code == typed and not self._units.has(typed) else code

    def newly_understood(self) -> list[Message]:
        """Return, once each, the names that were understood although their accents are other ones."""
        fresh = {typed: title for typed, title in self._understood.items() if typed not in self._told}
        self._told |= fresh.keys()
        return [message("district.understood", name=typed, place=title) for typed, title in fresh.items()]

    def _named(self, entries: Iterable[tuple[str, Sequence[str], str]]) -> "_Named":
        return _Named(entries, self._understood)


class _Named:
    """Entries by code and name; `understood` collects names that match without their accents only."""

    def __init__(self, entries: Iterable[tuple[str, Sequence[str], str]], understood: dict[str, str]) -> None:
        self._understood = understood
        self._codes: dict[str, str] = {}
        self._titles: dict[str, str] = {}
        self._written: dict[str, set[str]] = {}
        self._plain: dict[str, set[str]] = {}
        for code, names, title in entries:
            self._codes[code.casefold()] = code
            self._titles[code] = title
            for name in names:
                self._written.setdefault(_words(name), set()).add(code)
                self._plain.setdefault(plain(name), set()).add(code)

    def has(self, code: str) -> bool:
        return code.casefold() in self._codes

    def code(self, field: str, typed: str) -> str:
        if code := self._codes.get(typed.casefold()):
            return code
        exact = self._written.get(_words(typed))
        found = exact or self._plain.get(plain(typed), set())
        if len(found) > 1:
            titles = tuple(f"{self._titles[code]}: {code}" for code in sorted(found)[:8])
            raise EntryRefused({field: message("district.several_named", name=typed, codes=titles)})
        code = next(iter(found), typed)
        if found and not exact:
            self._understood[typed] = self._titles[code]
        return code


def _words(text: str) -> str:
    """Return the words of a name with their accents; each alone, since a key may end in a mark that is no letter."""
    return " ".join(name_key(word) for word in words_of(text))
