"""CSV files for spreadsheets: UTF-8 with a byte order mark, and no cell that becomes a formula."""

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence

from flask import Response
from flask.ctx import AppContext, RequestContext
from flask.globals import app_ctx, request_ctx

from haichieu.spreadsheet_cells import Cell, harmless

LINES_AT_ONCE = 200
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def csv_answer(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Return a download that is sent while it is generated. `name` contains letters, digits and hyphens only."""
    here = app_ctx._get_current_object(), request_ctx._get_current_object()  # type: ignore[attr-defined]
    response = Response(_pieces(_lines(heads, rows), *here), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _pieces(lines: Iterator[str], app: AppContext, asked: RequestContext) -> Iterator[str]:
    """Yield the lines in pieces, each generated in the context of the request.

    Between two pieces the context is not left on the thread, which may serve another request meanwhile.
    """
    while True:
        with app, asked:
            piece = "".join(itertools.islice(lines, LINES_AT_ONCE))
        if not piece:
            return
        yield piece


def _lines(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    yield _MARK + _line(heads)
    for row in rows:
        yield _line([harmless(cell) for cell in row])


def _line(cells: Sequence[Cell]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
