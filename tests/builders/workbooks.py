"""Workbooks that the panel returned, as their words."""

import io
import zipfile


def words_of_workbook(content: bytes) -> tuple[str, str]:
    """Its strings, and its sheets."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheets = "".join(book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name)
        return book.read("xl/sharedStrings.xml").decode(), sheets
