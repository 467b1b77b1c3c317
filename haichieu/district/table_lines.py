"""Lines of a CSV table whose head names the columns; lines are counted as the rows of a spreadsheet.

What people and Excel add is accepted: a byte order mark, semicolons or tabs between cells, `sep=;` as the first line, a
title above the head, empty columns, a column that numbers the lines.
"""

import contextlib
import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

from haichieu.district.cells import cleaned, split_head, without_empty_end
from haichieu.district.words_of_tables import COUNTER, column_letter, plain
from haichieu.errors import UsageError
from haichieu.locale import Message

MOST_LINES = 2000
MOST_BYTES = 500_000
TITLE_LINES = 10

Line = dict[str, Sequence[str]]
"""The typed values of a line by field."""


@dataclass(frozen=True)
class TableColumns:
    """The columns that a table may have.

    `names` are the fields by every head in words without diacritics, `titles` the names for people. The first of
    `fields` must be there. `values` divides the cell of a field.
    """

    names: Mapping[str, str]
    titles: Mapping[str, Message]
    fields: Sequence[str]
    values: Callable[[str, str], Sequence[str]]


def read_lines(columns: TableColumns, text: str) -> tuple[dict[str, str], list[tuple[int, Line]]]:
    """Return the letters of the columns by field, and the lines with their numbers. Raises UsageError."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MOST_BYTES:
        raise UsageError("district.sheet.too_large")
    before, guess, table = split_head(text)
    reader = csv.reader(io.StringIO(table), delimiter=_delimiter(columns, table, guess), strict=True)
    rows = enumerate(reader, before + 1)
    lines: list[tuple[int, Line]] = []
    try:
        head = _head(columns, before + 1, rows)
        for number, row in rows:
            cells = without_empty_end(row)
            if any(cell.strip() for cell, name in zip_longest(cells, head, fillvalue="") if not name):
                raise UsageError("district.sheet.too_many_cells", line=number)
            named = zip(head, cells, strict=False)
            texts = {name: columns.values(name, cell) for name, cell in named if name and name != COUNTER}
            if not any(value.strip() for values in texts.values() for value in values):
                continue
            if len(lines) == MOST_LINES:
                raise UsageError("district.sheet.too_many_lines", count=MOST_LINES)
            lines.append((number, texts))
    except csv.Error as problem:
        raise UsageError("district.sheet.not_csv", line=before + reader.line_num, why=str(problem)) from problem
    return {name: column_letter(place) for place, name in enumerate(head) if name}, lines


def _delimiter(columns: TableColumns, table: str, guess: str) -> str:
    """Return the sign between the cells of the head; a title above it may have others. Without a head, the guess."""
    for delimiter in [guess, ";", ",", "\t"]:
        with contextlib.suppress(csv.Error):
            rows = islice(csv.reader(io.StringIO(table), delimiter=delimiter), TITLE_LINES + 1)
            if any(columns.names.get(plain(cleaned(cell))) == columns.fields[0] for row in rows for cell in row):
                return delimiter
    return guess


def _head(columns: TableColumns, first: int, rows: Iterable[tuple[int, list[str]]]) -> list[str]:
    """Return the names of the columns, "" without one; a title may be above them. Raises UsageError."""
    names = columns.names
    above: list[tuple[int, list[str]]] = []
    for number, row in islice(rows, TITLE_LINES + 1):
        cells = [cleaned(cell) for cell in row]
        head = [names.get(plain(cell), cell) for cell in cells]
        if columns.fields[0] in head:
            return _checked(columns, number, head)
        above.append((number, head))
    number, head = max(above, key=lambda row: sum(name in names.values() for name in row[1]), default=(first, []))
    return _checked(columns, number, head)


def _checked(columns: TableColumns, line: int, head: list[str]) -> list[str]:
    first = columns.fields[0]
    named = [name for name in head if name and name != COUNTER]
    if wrong := [name for name in named if name not in columns.fields]:
        known = tuple(columns.titles.values())
        raise UsageError("district.sheet.no_column", line=line, columns=tuple(wrong[:5]), known=known)
    if first not in named or len(set(named)) < len(named):
        raise UsageError("district.sheet.no_head", line=line, key=columns.titles[first])
    return head
