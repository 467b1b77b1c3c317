"""The reports as an XLSX workbook: one worksheet per table; strings and numbers only."""

import io
from collections.abc import Sequence

import xlsxwriter
from flask import Response
from xlsxwriter.worksheet import Worksheet

from admin.layout.language import say
from admin.reports.sections import Section, Table

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
"""The content type of the file."""
WIDTHS = (36, 16)
LONGEST_TITLE = 31
"""Of a worksheet, in Excel."""


def workbook(sections: Sequence[Section], heading: str) -> bytes:
    """Return the file; `heading` is above every table."""
    content = io.BytesIO()
    plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, plain) as book:
        strong = book.add_format({"bold": True, "text_wrap": True})
        for section in sections:
            name = say(f"reports.{section.name}")
            for number, table in enumerate(section.tables, 1):
                suffix = f" {number}" if len(section.tables) > 1 else ""
                sheet = book.add_worksheet(name[: LONGEST_TITLE - len(suffix)] + suffix)
                sheet.write_string(0, 0, f"{name}. {table.title}. {heading}", strong)
                _write(sheet, table, strong)
    return content.getvalue()


def _write(sheet: Worksheet, table: Table, strong: object) -> None:
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
