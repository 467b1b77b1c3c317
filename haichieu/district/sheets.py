"""Import of many entries from a CSV table whose head names the columns, by the keys of the district file or in words.

Every mistake is reported before anything is changed. `;`, `|` or a new line separate list items within a cell. What
people and Excel add is accepted: a byte order mark, semicolons or tabs between cells, `sep=;` as the first line, a
title above the head, empty columns, a column that numbers the lines. Lines are counted as the rows of a spreadsheet.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.database import Database
from haichieu.district.cells import cleaned
from haichieu.district.entries import (
    AS_TYPED,
    HASHED,
    LISTS,
    SPEAKER,
    Allow,
    EntryRefused,
    Kind,
    find_row,
    save,
    texts_of,
)
from haichieu.district.table_lines import Line, TableColumns, read_lines
from haichieu.district.tables import is_out_of_use
from haichieu.district.words_of_tables import Places, choice, columns_of, names_of_columns
from haichieu.errors import HaiChieuError
from haichieu.locale import Message, message
from haichieu.prepared_hashes import PreparedHashes
from haichieu.vault import Vault

_WITH_COMMAS = {"codecs", "phones", "may"}
"""Lists whose items never contain a comma, so that one may separate them."""
_ITEMS, _ITEMS_OR_COMMAS = re.compile(r"[;|\n]"), re.compile(r"[;|,\n]")


@dataclass(frozen=True)
class WrongLine:
    """A mistake in a line of the table; the first line is 1. `column` is the letter of its column, if it has one."""

    line: int
    field: str
    sentence: Message
    column: str = ""

    @property
    def title(self) -> Message:
        """The name of the column for people."""
        return message(f"district.column.{self.field}")


@dataclass
class Sheet:
    """Result of an import or its dry run: added, changed and unchanged keys, wrong lines, and generated secrets."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    wrong: list[WrongLine] = field(default_factory=list)
    understood: list[tuple[int, Message]] = field(default_factory=list)
    """By line, the names of places that match only without their accents."""
    secrets: list[tuple[Any, str]] = field(default_factory=list)


class _Rollback(Exception):
    """Leaves a transaction that must not be committed."""


MakeSecret = Callable[[], str]


def take_sheet(
    database: Database,
    vault: Vault,
    kind: Kind,
    text: str,
    actor: str,
    allow: Allow,
    make: MakeSecret,
    *,
    dry_run: bool,
    only_adds: bool = False,
) -> Sheet:
    """Import all lines, or nothing when one is wrong. Raises UsageError.

    With `only_adds`, a line for an existing entry is wrong.
    """
    columns, lines = read_lines(_columns(kind), text)
    sheet = Sheet()
    secrets = _Secrets(database, kind, lines, make, dry_run=dry_run)
    try:
        with database.session() as session:
            seen: set[str] = set()
            places = Places(session)
            for number, typed in lines:
                texts, problems = _with_codes(places, typed)
                sheet.understood += [(number, said) for said in places.newly_understood()]
                try:
                    with session.begin_nested():
                        _take(session, vault, kind, texts, actor, allow, secrets, sheet, seen, only_adds)
                except EntryRefused as refusal:
                    problems = {**refusal.problems, **problems}
                except HaiChieuError as refusal:
                    problems[""] = refusal.message
                sheet.wrong += [
                    WrongLine(number, name, wrong, columns.get(name, "")) for name, wrong in problems.items()
                ]
            if dry_run or sheet.wrong:
                raise _Rollback
    except _Rollback:
        sheet.secrets.clear()
    return sheet


def _take(
    session: Session, vault: Vault, kind: Kind, texts: Line, actor: str, allow: Allow,
    secrets: "_Secrets", sheet: Sheet, seen: set[str], only_adds: bool,
) -> None:  # fmt: skip
    name, key = _key(kind, texts)
    if key in seen:
        raise EntryRefused({name: message("district.twice_in_sheet", key=key)})
    seen.add(key)
    row = find_row(session, kind, key)
    if row is not None:
        allow(session, row)
        row = None if is_out_of_use(row) else row
    if row is not None and only_adds:
        raise EntryRefused({name: message("district.change_on_page", key=key)})
    secret, before = "", None
    if row is not None:
        before = None if any(texts.get(kind.secret, ())) else texts_of(kind, row)
        texts = {**texts_of(kind, row), **texts}  # an omitted column leaves the stored value
    elif not any(texts.get(kind.secret, ())) and not any(texts.get("multicast", ())):
        secret = secrets.new(key)
        texts = {**texts, kind.secret: [secret]}
    is_new = row is None
    row = save(session, vault, kind, texts, actor, row, secrets.hashes, allow)
    allow(session, row)
    is_same = before is not None and texts_of(kind, row) == before
    (sheet.added if is_new else sheet.same if is_same else sheet.changed).append(key)
    if secret:
        sheet.secrets.append((row, secret))


def _key(kind: Kind, texts: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Return the first field of an entry and its value."""
    name = next(iter(kind.entry.model_fields))
    return name, "".join(texts.get(name, ())).strip()


class _Secrets:
    """The PINs or passwords of a table: those typed and those generated, hashed before the database is locked."""

    def __init__(
        self,
        database: Database,
        kind: Kind,
        lines: Iterable[tuple[int, Line]],
        make: MakeSecret,
        *,
        dry_run: bool,
    ) -> None:
        self.hashes = PreparedHashes(pretend=dry_run)
        self._make = make
        self._generated: dict[str, str] = {}
        if kind is SPEAKER or kind.secret not in HASHED:  # the passwords of speakers are encrypted
            return
        with database.reading() as session:
            columns = sa.select(getattr(kind.model, kind.key), getattr(kind.model, HASHED[kind.secret][0]))
            stored: dict[str, str] = {key: found for key, found in session.execute(columns)}
        for _, texts in lines:
            key = _key(kind, texts)[1]
            typed = "".join(texts.get(kind.secret, ())).strip()
            if typed or not stored.get(key):
                self.hashes.prepare(stored.get(key), typed or self._generated.setdefault(key, make()))

    def new(self, key: str) -> str:
        """Return the generated secret of a line."""
        return self._generated.get(key) or self._make()


def _with_codes(places: Places, typed: Line) -> tuple[Line, dict[str, Message]]:
    """Return a line with codes in place of names, and what is unclear, by field."""
    texts: Line = {}
    unclear: dict[str, Message] = {}
    for name, values in typed.items():
        try:
            texts[name] = [places.code(name, choice(name, value)) for value in values]
        except EntryRefused as refusal:
            texts[name] = values
            unclear |= refusal.problems
    return texts, unclear


def _columns(kind: Kind) -> TableColumns:
    return TableColumns(
        names_of_columns(kind),
        {name: message(f"district.column.{name}") for name in columns_of(kind)},
        list(kind.entry.model_fields),
        _values,
    )


def _values(name: str, cell: str) -> Sequence[str]:
    if name in AS_TYPED:
        return [cell]
    if name not in LISTS:
        return [cleaned(" ".join(cell.split("\n")))]
    return [cleaned(part) for part in (_ITEMS_OR_COMMAS if name in _WITH_COMMAS else _ITEMS).split(cleaned(cell))]
