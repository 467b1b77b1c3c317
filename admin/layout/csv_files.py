"""CSV files for spreadsheets: in UTF-8 with its mark, and with nothing that a spreadsheet would take for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from flask import Response, stream_with_context

from haichieu.spreadsheet_cells import Cell, harmless

_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def csv_answer(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A file for the browser to keep, sent while it is made. `name` is ours: letters, digits and hyphens."""
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
