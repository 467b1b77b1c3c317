"""Import of many entries from a CSV table whose head names the columns, by the keys of the district file or in words.

Every mistake is reported before anything is changed. `;`, `|` or a new line separate list items within a cell. What
people and Excel add is accepted: a byte order mark, semicolons or tabs between cells, `sep=;` as the first line, a
title above the head, empty columns, a column that numbers the lines. Lines are counted as the rows of a spreadsheet.
"""

import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.database import Database
from haichieu.district.cells import cleaned, split_head, without_empty_end
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
from haichieu.district.tables import is_out_of_use
from haichieu.district.words_of_tables import (
    COUNTER,
    Places,
    choice,
    column_letter,
    columns_of,
    names_of_columns,
    plain,
)
from haichieu.errors import HaiChieuError, UsageError
from haichieu.locale import Message, message
from haichieu.prepared_hashes import PreparedHashes
from haichieu.vault import Vault

MOST_LINES = 2000
MOST_BYTES = 500_000
TITLE_LINES = 10
_WITH_COMMAS = {"codecs", "phones", "may"}
"""Lists whose items never contain a comma, so that one may separate them."""
_ITEMS, _ITEMS_OR_COMMAS = re.compile(r"[;|\n]"), re.compile(r"[;|,\n]")

Line = dict[str, Sequence[str]]
"""The typed values of a line by field."""


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
    """Result of an import or its dry run: added and changed keys, wrong lines, and generated secrets."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    wrong: list[WrongLine] = field(default_factory=list)
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
    columns, lines = _table(kind, text)
    sheet = Sheet()
    secrets = _Secrets(database, kind, lines, make, dry_run=dry_run)
    try:
        with database.session() as session:
            seen: set[str] = set()
            places = Places(session)
            for number, typed in lines:
                texts, problems = _with_codes(places, typed)
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
    secret = ""
    if row is not None:
        texts = {**texts_of(kind, row), **texts}  # an omitted column leaves the stored value
    elif not any(texts.get(kind.secret, ())) and not any(texts.get("multicast", ())):
        secret = secrets.new(key)
        texts = {**texts, kind.secret: [secret]}
    is_new = row is None
    row = save(session, vault, kind, texts, actor, row, secrets.hashes, allow)
    allow(session, row)
    (sheet.added if is_new else sheet.changed).append(key)
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


def _table(kind: Kind, text: str) -> tuple[dict[str, str], list[tuple[int, Line]]]:
    """Return the letters of the columns by name, and the lines with their numbers. Raises UsageError."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MOST_BYTES:
        raise UsageError("district.sheet.too_large")
    before, guess, table = split_head(text)
    reader = csv.reader(io.StringIO(table), delimiter=_delimiter(kind, table, guess), strict=True)
    rows = enumerate(reader, before + 1)
    lines: list[tuple[int, Line]] = []
    try:
        head = _head(kind, before + 1, rows)
        for number, row in rows:
            cells = without_empty_end(row)
            if any(cell.strip() for cell, name in zip_longest(cells, head, fillvalue="") if not name):
                raise UsageError("district.sheet.too_many_cells", line=number)
            named = zip(head, cells, strict=False)
            texts = {name: _values(name, cell) for name, cell in named if name and name != COUNTER}
            if not any(value.strip() for values in texts.values() for value in values):
                continue
            if len(lines) == MOST_LINES:
                raise UsageError("district.sheet.too_many_lines", count=MOST_LINES)
            lines.append((number, texts))
    except csv.Error as problem:
        raise UsageError("district.sheet.not_csv", line=before + reader.line_num, why=str(problem)) from problem
    return {name: column_letter(place) for place, name in enumerate(head) if name}, lines


def _delimiter(kind: Kind, table: str, guess: str) -> str:
    """Return the sign between the cells of the head; a title above it may have others. Without a head, the guess."""
    names, key = names_of_columns(kind), next(iter(kind.entry.model_fields))
    for delimiter in [guess, ";", ",", "\t"]:
        with contextlib.suppress(csv.Error):
            rows = islice(csv.reader(io.StringIO(table), delimiter=delimiter), TITLE_LINES + 1)
            if any(names.get(plain(cleaned(cell))) == key for row in rows for cell in row):
                return delimiter
    return guess


def _head(kind: Kind, first: int, rows: Iterable[tuple[int, list[str]]]) -> list[str]:
    """Return the names of the columns, "" without one; a title may be above them. Raises UsageError."""
    names, key = names_of_columns(kind), next(iter(kind.entry.model_fields))
    above: list[tuple[int, list[str]]] = []
    for number, row in islice(rows, TITLE_LINES + 1):
        cells = [cleaned(cell) for cell in row]
        head = [names.get(plain(cell), cell) for cell in cells]
        if key in head:
            return _checked(kind, number, head)
        above.append((number, head))
    number, head = max(above, key=lambda row: sum(name in names.values() for name in row[1]), default=(first, []))
    return _checked(kind, number, head)


def _checked(kind: Kind, line: int, head: list[str]) -> list[str]:
    known = list(kind.entry.model_fields)
    named = [name for name in head if name and name != COUNTER]
    if wrong := [name for name in named if name not in known]:
        columns = tuple(message(f"district.column.{name}") for name in columns_of(kind))
        raise UsageError("district.sheet.no_column", line=line, columns=tuple(wrong[:5]), known=columns)
    if known[0] not in named or len(set(named)) < len(named):
        raise UsageError("district.sheet.no_head", line=line, key=message(f"district.column.{known[0]}"))
    return head


def _values(name: str, cell: str) -> Sequence[str]:
    if name in AS_TYPED:
        return [cell]
    if name not in LISTS:
        return [cleaned(" ".join(cell.split("\n")))]
    return [cleaned(part) for part in (_ITEMS_OR_COMMAS if name in _WITH_COMMAS else _ITEMS).split(cleaned(cell))]
