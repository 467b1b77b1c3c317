"""The reports as an XLSX workbook: one worksheet per table; strings and numbers only."""

import io
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import Response

from admin.layout.language import say
from admin.reports.sections import Section, Table

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
"""The content type of the file."""
WIDTHS = (36, 16)
LONGEST_TITLE = 31
"""Of a worksheet, in Excel."""
_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\]")


def workbook(sections: Sequence[Section], heading: str) -> bytes:
    """Return the file; `heading` is above every table."""
    import xlsxwriter  # 13 MB, for files that are rarely asked for

    content = io.BytesIO()
    plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, plain) as book:
        strong = book.add_format({"bold": True, "text_wrap": True})
        titles = Counter(table.title for section in sections for table in section.tables)
        taken: set[str] = set()
        for section in sections:
            name = section.heading or say(f"reports.{section.name}")
            for table in section.tables:
                title = table.title if titles[table.title] == 1 else f"{name}, {table.title}"
                sheet = book.add_worksheet(_name_of_sheet(title, taken))
                sheet.write_string(0, 0, f"{name}. {table.title}. {heading}", strong)
                _write(sheet, table, strong)
    return content.getvalue()


def _name_of_sheet(title: str, taken: set[str]) -> str:
    """Return a name that Excel accepts and that no other worksheet has; add it to `taken`."""
    plain = " ".join(_NOT_IN_A_NAME.sub(" ", title).split()).strip("'")
    for number in itertools.count(1):
        suffix = f" {number}" if number > 1 else ""
        name = plain[: LONGEST_TITLE - len(suffix)].rstrip(" ',") + suffix
        if name.casefold() not in taken:
            break
    taken.add(name.casefold())
    return name


def _write(sheet: "Worksheet", table: Table, strong: object) -> None:
    sheet.set_column(0, table.names - 1, WIDTHS[0])
    sheet.set_column(table.names, max(len(table.heads) - 1, table.names), WIDTHS[1])
    for column, head in enumerate(table.heads):
        sheet.write_string(2, column, head, strong)
    rows = [*table.rows, table.total] if table.total else table.rows
    for line, row in enumerate(rows, 3):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(line, column, cell)
            elif cell is not None:
                sheet.write_number(line, column, cell)
    sheet.freeze_panes(3, 0)


def workbook_answer(name: str, sections: Sequence[Section], heading: str) -> Response:
    """Return sections as a workbook to download, `<name>.xlsx`."""
    response = Response(workbook(sections, heading), content_type=XLSX)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response
