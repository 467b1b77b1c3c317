"""Import of a table of the station book from Excel or CSV: every mistake is reported before anything is changed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from broadcast_bridge.station_book.book_entries import (
    BookRefused,
    Reach,
    columns_that_differ,
    find_row,
    key_of,
    read_row,
    require_own,
    save,
    texts_of,
)
from broadcast_bridge.station_book.book_tables import BookTable
from broadcast_bridge.station_book.expiry_alarms import today_at
from haichieu.database import Database
from haichieu.district.cells import cleaned
from haichieu.district.entries import EntryRefused
from haichieu.district.sheets import Sheet, WrongLine
from haichieu.district.table_lines import Line, TableColumns, read_lines
from haichieu.district.words_of_tables import COUNTER, COUNTER_HEADS, Places, plain
from haichieu.errors import HaiChieuError
from haichieu.locale import LANGUAGES, Message, message
from haichieu.locale.catalogue import catalogue
from haichieu.spreadsheet_cells import without_escape

Allow = Callable[[Session, Any], None]
"""Raises NotAllowed unless the visitor may change the row."""


@dataclass(frozen=True)
class WrongCell(WrongLine):
    """A mistake in a line of a table of the book."""

    @property
    def title(self) -> Message:
        """The name of the column for people."""
        return message(f"book.column.{self.field}")


class _Rollback(Exception):
    """Leaves a transaction that must not be committed."""


def take_book_sheet(
    database: Database,
    table: BookTable,
    text: str,
    actor: str,
    units: Collection[int],
    allow: Allow,
    *,
    dry_run: bool,
) -> Sheet:
    """Import all lines, or nothing when one is wrong. A line changes the row with its key, else adds one.

    Raises UsageError.
    """
    letters, lines = read_lines(columns_of(table), text)
    sheet = Sheet()
    try:
        with database.session() as session:
            taking = _Taking(session, table, actor, units, allow, sheet)
            for number, typed in lines:
                wrong = taking.take(typed)
                sheet.understood += [(number, said) for said in taking.places.newly_understood()]
                sheet.wrong += [WrongCell(number, name, said, letters.get(name, "")) for name, said in wrong.items()]
            if dry_run or sheet.wrong:
                raise _Rollback
    except _Rollback:
        pass
    return sheet


def columns_of(table: BookTable) -> TableColumns:
    """Return the columns that an imported table may have, by their names in every language."""
    names = dict.fromkeys(COUNTER_HEADS, COUNTER)
    for column in table.columns:
        also = message(f"book.column_also.{column.name}")
        for language in LANGUAGES:
            known = catalogue(language)
            heads = known.template(also.key).split("|") if also.key in known.keys else []
            names |= {plain(head): column.name for head in (known.template(column.title.key), *heads)}
    names |= {plain(column.name): column.name for column in table.columns}
    titles = {column.name: column.title for column in table.columns}
    return TableColumns(names, titles, [table.key[0], *(name for name in titles if name != table.key[0])], _values)


class _Taking:
    """One import in one transaction."""

    def __init__(
        self, session: Session, table: BookTable, actor: str, units: Collection[int], allow: Allow, sheet: Sheet
    ) -> None:
        self._session, self._table, self._actor, self._allow, self._sheet = session, table, actor, allow, sheet
        self.places = Places(session)
        self._reach, self._today = Reach(session, units), today_at(session)
        self._seen: set[int] = set()

    def take(self, typed: Line) -> Mapping[str, Message]:
        """Add or change the row of one line; return what is wrong, by column."""
        try:
            texts = {name: "".join(values) for name, values in typed.items()}
            texts["unit"] = self.places.code("unit", texts.get("unit", ""))
            with self._session.begin_nested():
                self._save(texts)
        except (BookRefused, EntryRefused) as refusal:
            return refusal.problems
        except HaiChieuError as refusal:
            return {"": refusal.message}
        return {}

    def _save(self, texts: dict[str, str]) -> None:
        row = find_row(self._session, self._table, texts, self._reach)
        is_new = row is None
        if row is not None:
            require_own(self._table, row, self._reach)
            texts = {
                **texts_of(self._table, row),
                **{name: text for name, text in texts.items() if name != "unit" or text},
            }
        values = read_row(self._table, texts, self._reach)
        if row is not None:
            self._allow(self._session, row)
            if row.id in self._seen:
                raise BookRefused(
                    {self._table.key[0]: message("district.twice_in_sheet", key=key_of(self._table, texts))}
                )
        key = key_of(self._table, texts)
        if row is not None and not columns_that_differ(self._table, row, values):
            self._seen.add(row.id)
            self._sheet.same.append(key)
            return
        row = save(self._session, self._table, values, self._actor, self._today, row)
        self._allow(self._session, row)
        self._seen.add(row.id)
        (self._sheet.added if is_new else self._sheet.changed).append(key)


def _values(_name: str, text: str) -> Sequence[str]:
    return [without_escape(cleaned(" ".join(text.split("\n"))))]
