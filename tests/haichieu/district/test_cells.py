"""Typed values: yes and no, signs, decimals, and the head of a table."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haichieu.district.cells import cleaned, decimal, phone_signs, split_head, tick


@pytest.mark.parametrize(
    "cell",
    ["yes", "Y", "1", "x", "TRUE", "có", "Co", "ĐÚNG", "dung", "✓", "on", unicodedata.normalize("NFD", "có")],
)
def test_yes_is_read_in_both_languages(cell: str) -> None:
    assert tick(cell) is True


@pytest.mark.parametrize(
    "cell",
    [
        "",
        " ",
        "no",
        "n",
        "0",
        "FALSE",
        "off",
        "-",
        "–",
        "−",
        "không",
        "khong",
        "KO",
        "k",
        "Sai",
        "SAI",
        "sai.",
        unicodedata.normalize("NFD", "không"),
    ],
)
def test_no_is_read_in_both_languages(cell: str) -> None:
    assert tick(cell) is False


@pytest.mark.parametrize("cell", ["maybe", "có thể", "2", "không biết", "?", "yes/no"])
def test_unclear_answer_is_neither_yes_nor_no(cell: str) -> None:
    assert tick(cell) is None


@pytest.mark.parametrize(
    ("typed", "number"),
    [("-3", -3), ("−3", -3), ("–3,5", -3.5), ("+2", 2), ("22,6667", 22.6667), ("\u00a0-3 dB", -3), ("22.5°", 22.5)],
)
def test_signs_and_decimals_of_every_spelling(typed: str, number: float) -> None:
    assert float(decimal(typed)) == number


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ('="0912000001"', "0912000001"),
        ("'0912000001", "0912000001"),
        ("'quoted'", "'quoted'"),
        ("\u202a0912\u00a0000\u00a0001\u202c", "0912 000 001"),
        ("\ufeffCầu", "Cầu"),
        (unicodedata.normalize("NFD", "Cổng Trời"), "Cổng Trời"),
    ],
)
def test_invisible_signs_and_marks_of_spreadsheets_are_removed(typed: str, clean: str) -> None:
    assert cleaned(typed) == clean


def test_dashes_of_numbers_become_ascii() -> None:
    assert phone_signs("0912–000—001") == "0912-000-001"


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("code;name", (0, ";", "code;name")),
        ("sep=;\ncode;name,x", (1, ";", "code;name,x")),
        ('"sep=,"\ncode,name;y;z', (1, ",", "code,name;y;z")),
        ("SEP=\t\ncode\tname", (1, "\t", "code\tname")),
        (";;;\n\ncode;name", (2, ";", "code;name")),
    ],
)
def test_head_of_a_table_is_found(table: str, found: tuple[int, str, str]) -> None:
    assert split_head(table) == found


@given(st.text(max_size=60))
def test_cleaning_a_value_twice_changes_nothing_more(cell: str) -> None:
    once = cleaned(cell)
    if not once.startswith(("'", '="')):
        assert cleaned(once) == once
    assert unicodedata.is_normalized("NFC", once)


@given(st.text(max_size=20))
def test_every_cell_is_yes_no_or_refused(cell: str) -> None:
    assert tick(cell) in (True, False, None)


@given(st.floats(-180, 180).map(lambda number: round(number, 4)), st.sampled_from([".", ","]), st.sampled_from("-−–"))
def test_every_number_is_read_back(number: float, point: str, minus: str) -> None:
    typed = f"{number:.4f}".replace("-", minus).replace(".", point)
    assert float(decimal(typed)) == pytest.approx(number, abs=1e-9)


@given(st.text(max_size=200))
def test_head_of_any_text_loses_no_line(text: str) -> None:
    lines, _, rest = split_head(text)
    assert "\n".join(text.split("\n")[lines:]) == rest
