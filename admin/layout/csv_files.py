"""CSV files for spreadsheets: UTF-8 with a byte order mark, and no cell that becomes a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from flask import Response, stream_with_context

from haichieu.spreadsheet_cells import Cell, harmless

_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def csv_answer(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Return a download that is sent while it is generated. `name` contains letters, digits and hyphens only."""
    response = Response(stream_with_context(_lines(heads, rows)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _lines(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    yield _MARK + _line(heads)
    for row in rows:
        yield _line([harmless(cell) for cell in row])


def _line(cells: Sequence[Cell]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
