"""Text of an uploaded table: CSV in the encodings that Excel writes, or the first sheet of a workbook (.xlsx)."""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator

from lxml import etree

from haichieu.errors import UsageError

MOST_UNPACKED = 20_000_000
MOST_ROWS = 5000
MOST_COLUMNS = 100
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK\x03\x04"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_VIETNAMESE = re.compile(r"[aăâeêioôơuưyđ]\Z")
_LOST_LETTER = re.compile(r"[^\W\d_]\?|\?[^\W\d_]")


def table_text(content: bytes) -> str:
    """Return the table as CSV text. Raises UsageError for a file that is no table."""
    if content.startswith(_ZIP):
        return _csv(_rows(content))
    if content.startswith(_OLD_WORKBOOK):
        raise UsageError("district.sheet.old_workbook")
    try:
        return content.decode(_unicode(content))
    except UnicodeDecodeError:
        return _windows_vietnamese(content)


def _unicode(content: bytes) -> str:
    """Return the Unicode encoding: by its mark, or UTF-16 by the zeros between the letters of the first line."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if b"\0" in content[:40]:
        return "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    return "utf-8-sig"


def _windows_vietnamese(content: bytes) -> str:
    """Read Windows-1258, if that gives Vietnamese words and no letter was lost. Raises UsageError."""
    try:
        text = unicodedata.normalize("NFC", content.decode("cp1258"))
    except UnicodeDecodeError as problem:
        raise UsageError("district.sheet.not_text") from problem
    foreign = [sign for sign in text if ord(sign) > 127 and sign.isalpha() and not _is_vietnamese(sign)]
    if (
        foreign
        or _LOST_LETTER.search(text)
        or any(unicodedata.category(sign) in ("Mn", "Cc", "So") for sign in text if sign not in "\r\n\t")
    ):
        raise UsageError("district.sheet.not_text")
    return text


def _is_vietnamese(letter: str) -> bool:
    """Return whether a letter, without its tone mark, is one of the Vietnamese alphabet."""
    marks = dict.fromkeys(map(ord, "\u0300\u0301\u0303\u0309\u0323"))
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFD", letter.lower()).translate(marks))
    return _VIETNAMESE.match(plain) is not None


def _csv(rows: Iterator[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _rows(content: bytes) -> Iterator[list[str]]:
    """Yield the rows of the first visible sheet of a workbook (ECMA-376 part 1, §18.3), empty ones included."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            sheet, shared = _part(book, _first_sheet(book)), _shared_strings(book)
        yield from _filled_up(sheet, shared)
    except (
        zipfile.BadZipFile,
        KeyError,
        etree.XMLSyntaxError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as problem:
        raise UsageError("district.sheet.not_workbook") from problem


def _part(book: zipfile.ZipFile, name: str) -> etree._Element:
    with book.open(name) as file:
        xml = file.read(MOST_UNPACKED + 1)
    if len(xml) > MOST_UNPACKED:
        raise UsageError("district.sheet.too_large")
    safe = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    root = etree.fromstring(xml, safe)
    if root.getroottree().docinfo.doctype:
        raise UsageError("district.sheet.not_workbook")
    return root


def _first_sheet(book: zipfile.ZipFile) -> str:
    sheets = list(_part(book, "xl/workbook.xml").iter(f"{_MAIN}sheet"))
    shown = next((one for one in sheets if one.get("state", "visible") == "visible"), None)
    if shown is None:
        raise UsageError("district.sheet.not_workbook")
    for relation in _part(book, "xl/_rels/workbook.xml.rels"):
        if relation.get("Id") == shown.get(_RELATION):
            target = relation.get("Target", "")
            return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    raise UsageError("district.sheet.not_workbook")


def _shared_strings(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    return [_words(one) for one in _part(book, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]


def _words(element: etree._Element) -> str:
    """Return the text of a string, without its phonetic guides."""
    parts = element.iter(f"{_MAIN}t")
    return "".join(part.text or "" for part in parts if getattr(part.getparent(), "tag", "") != f"{_MAIN}rPh")


def _filled_up(sheet: etree._Element, shared: list[str]) -> Iterator[list[str]]:
    written = 0
    for row in sheet.iter(f"{_MAIN}row"):
        number = int(row.get("r") or written + 1)
        if not written < number <= MOST_ROWS:
            raise UsageError("district.sheet.too_many_lines", count=MOST_ROWS)
        yield from ([] for _ in range(number - written - 1))
        cells: list[str] = []
        for cell in row.iter(f"{_MAIN}c"):
            place = _column(cell.get("r") or "", len(cells))
            text = _value(cell, shared)
            if place >= MOST_COLUMNS:
                if text.strip():
                    raise UsageError("district.sheet.too_large")
                continue
            cells += [""] * (place - len(cells)) + [text]
        written = number
        yield cells


def _column(reference: str, following: int) -> int:
    """Return the column of a cell, counted from 0; a cell without a reference is the following one."""
    found = _CELL.fullmatch(reference)
    if not found:
        return following
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _value(cell: etree._Element, shared: list[str]) -> str:
    kind, content = cell.get("t", "n"), cell.findtext(f"{_MAIN}v") or ""
    if kind == "inlineStr":
        return _words(cell)
    if kind == "s":
        place = int(content or -1)
        return shared[place] if 0 <= place < len(shared) else ""
    return _number(content) if kind == "n" and content else content


def _number(content: str) -> str:
    """Return a number as people write it: a telephone number is stored as 9.12345999E8."""
    number = float(content)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else format(number, ".15g")
