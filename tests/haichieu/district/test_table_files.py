"""Tables as files: encodings of CSV, workbooks, and files that are neither."""

import io
import unicodedata
import zipfile

import pytest
import xlsxwriter

from haichieu.district.table_files import table_text
from haichieu.errors import UsageError

TABLE = "Mã;Họ và tên;Đơn vị\n1005;Hoàng Văn Páo;Xã Cô Ba\n"


def workbook(*rows: tuple[object, ...], hidden_first: bool = False) -> bytes:
    """Return a workbook of these rows; an empty row leaves a gap."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        if hidden_first:
            book.add_worksheet("ẩn").hide()
        sheet = book.add_worksheet("Cán bộ")
        if hidden_first:
            sheet.activate()
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write(number, column, cell)
    return content.getvalue()


def windows(text: str) -> bytes:
    """Return a text in Windows-1258, which has the tone marks apart from most letters."""
    signs = []
    for sign in text:
        letter, *marks = unicodedata.normalize("NFD", sign)
        shape, tone = (
            [mark for mark in marks if mark in "\u0302\u0306\u031b"],
            [mark for mark in marks if mark not in "\u0302\u0306\u031b"],
        )
        signs += [unicodedata.normalize("NFC", "".join([letter, *shape])), *tone]
    return "".join(signs).encode("cp1258")


def packed(**parts: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as book:
        for name, text in parts.items():
            book.writestr(f"xl/{name}.xml", text)
    return content.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_encoding_of_excel_is_read(encoding: str) -> None:
    assert table_text(TABLE.encode(encoding)) == TABLE


def test_windows_encoding_of_vietnamese_is_read() -> None:
    assert table_text(windows(TABLE)) == TABLE


@pytest.mark.parametrize("content", [windows("Mã;Ho?ng V?n P?o"), "señor;ß".encode("cp1258"), b"\xff\xd8\xff\xe0JF"])
def test_file_that_lost_its_letters_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError) as refusal:
        table_text(content)
    assert refusal.value.message.key == "district.sheet.not_text"


def test_workbook_becomes_the_same_rows_with_whole_numbers() -> None:
    content = workbook(
        ("Mã", "Tên", "Điện thoại"), (), (1005, 'Páo, "A"', 912345999), ("x", "", 22.9512), hidden_first=True
    )
    assert table_text(content) == 'Mã,Tên,Điện thoại\n\n1005,"Páo, ""A""",912345999\nx,,22.9512\n'


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "district.sheet.old_workbook"),
        (b"PK\x03\x04 and nothing more", "district.sheet.not_workbook"),
        (packed(other="<x/>"), "district.sheet.not_workbook"),
        (packed(workbook="<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), "district.sheet.not_workbook"),
        (packed(workbook="<a>" + " " * 20_000_001 + "</a>"), "district.sheet.too_large"),
        (workbook(*[("a",)] * 5001), "district.sheet.too_many_lines"),
    ],
    ids=["old", "cut off", "other content", "entities", "too large", "too many lines"],
)
def test_workbook_that_cannot_be_read_says_why(content: bytes, key: str) -> None:
    with pytest.raises(UsageError) as refusal:
        table_text(content)
    assert refusal.value.message.key == key
