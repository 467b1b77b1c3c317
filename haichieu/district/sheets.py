"""Import of many entries from a CSV table whose first line names the keys of the district file.

Every wrong line is reported before anything is changed. `;` or `|` separate list items within a cell. What Excel adds
is accepted: a byte order mark, semicolons or tabs between cells, `sep=;` as the first line, empty columns.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
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
from haichieu.errors import HaiChieuError, UsageError
from haichieu.locale import Message, message
from haichieu.prepared_hashes import PreparedHashes
from haichieu.vault import Vault

MOST_LINES = 2000
MOST_BYTES = 500_000


@dataclass(frozen=True)
class WrongLine:
    """A mistake in a line of the table; the first line is 1."""

    line: int
    field: str
    sentence: Message


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
    lines = list(_lines(kind, text))
    sheet = Sheet()
    secrets = _Secrets(database, kind, lines, make, dry_run=dry_run)
    try:
        with database.session() as session:
            seen: set[str] = set()
            for number, texts in lines:
                try:
                    with session.begin_nested():
                        _take(session, vault, kind, texts, actor, allow, secrets, sheet, seen, only_adds)
                except EntryRefused as refusal:
                    sheet.wrong += [WrongLine(number, name, wrong) for name, wrong in refusal.problems.items()]
                except HaiChieuError as refusal:
                    sheet.wrong.append(WrongLine(number, "", refusal.message))
            if dry_run or sheet.wrong:
                raise _Rollback
    except _Rollback:
        sheet.secrets.clear()
    return sheet


def _take(
    session: Session, vault: Vault, kind: Kind, texts: dict[str, Sequence[str]], actor: str, allow: Allow,
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
        lines: Iterable[tuple[int, Mapping[str, Sequence[str]]]],
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


def _lines(kind: Kind, text: str) -> Iterator[tuple[int, dict[str, Sequence[str]]]]:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MOST_BYTES:
        raise UsageError("district.sheet.too_large")
    before, delimiter, table = split_head(text)
    reader = csv.reader(io.StringIO(table), delimiter=delimiter, strict=True)
    try:
        head = _head(kind, next(reader, []))
        count, begins = 0, before + reader.line_num + 1
        for row in reader:
            line, begins = begins, before + reader.line_num + 1
            cells = without_empty_end(row)
            if not cells:
                continue
            count += 1
            if count > MOST_LINES:
                raise UsageError("district.sheet.too_many_lines", count=MOST_LINES)
            if any(cell.strip() for cell, name in zip_longest(cells, head, fillvalue="") if not name):
                raise UsageError("district.sheet.too_many_cells", line=line)
            yield line, {name: _values(name, cell) for name, cell in zip(head, cells, strict=False) if name}
    except csv.Error as problem:
        raise UsageError("district.sheet.not_csv", line=before + reader.line_num, why=str(problem)) from problem


def _head(kind: Kind, cells: Sequence[str]) -> list[str]:
    """Return the names of the columns; a column without a name must be empty. Raises UsageError."""
    head = [cleaned(name).lower() for name in cells]
    named = [name for name in head if name]
    known = list(kind.entry.model_fields)
    if wrong := [name for name in named if name not in known]:
        raise UsageError("district.sheet.no_column", columns=tuple(wrong[:5]), known=tuple(known))
    if known[0] not in named or len(set(named)) < len(named):
        raise UsageError("district.sheet.no_head", key=known[0])
    return head


def _values(name: str, cell: str) -> Sequence[str]:
    if name in AS_TYPED:
        return [cell]
    return [cleaned(part) for part in cleaned(cell).replace("|", ";").split(";")] if name in LISTS else [cleaned(cell)]
