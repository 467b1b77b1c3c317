import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.texts import receipts
from feedback.texts.receipts import Wish
from feedback.texts.segments import segments


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        " stop. ",
        "HUY",
        "Hủy",
        "HỦY!",
        "TU CHOI",
        "Từ chối",
        "từ  chối",
        "dừng",
        "REVOKE",
        "OPTOUT",
        "NGUNG NHAN",
        "ＳＴＯＰ",
        "ngưng",
        "TC",
        "Từ chối tin",
        "Xin dừng nhận tin",
        "huy dk",
        "Huỷ nhận tin",
    ],
)
def test_one_word_asks_for_no_more_texts(text: str) -> None:
    assert receipts.wish(text) == Wish.STOP


@pytest.mark.parametrize("text", ["START", "Đăng ký", "DANG KY", "đăng ký"])
def test_one_word_asks_for_texts_again(text: str) -> None:
    assert receipts.wish(text) == Wish.START


@pytest.mark.parametrize("text", ["Đồng ý", "YES"])
def test_consent_is_a_command_only_after_opting_out(text: str) -> None:
    assert (receipts.wish(text), receipts.wish(text, stopped=True)) == (None, Wish.START)


@given(st.text(max_size=100))
def test_what_is_stored_of_any_text_is_stored_the_same_again(text: str) -> None:
    kept = receipts.clean(text)
    assert receipts.clean(kept) == kept
    assert not any(unicodedata.category(sign) in ("Cc", "Cs") and sign != "\n" for sign in kept)


@pytest.mark.parametrize(
    "text",
    [
        "Đúng",
        "dung",
        "Cầu treo hỏng, đừng ai qua",
        "xin hủy cuộc họp",
        "Dừng lại",
        "ngửng",
        "Không từ chối",
        "",
        "12345678",
    ],
)
def test_a_message_that_contains_such_a_word_is_a_message(text: str) -> None:
    assert receipts.wish(text) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Cầu hỏng\r\nở Cô Ba\x00\x07", "Cầu hỏng\nở Cô Ba"),
        ("abc\u202edef\u2066ghi", "abcdefghi"),
        ("a\ud800b", "ab"),
        ("e\u0302\u0300", "ề"),
        ("👨‍👩‍👧 السلام", "👨‍👩‍👧 السلام"),
        ("\x00\t ", ""),
        ("x" * 2000, "x" * 2000),
        ("'; DROP TABLE cases; --", "'; DROP TABLE cases; --"),
    ],
)
def test_what_is_kept_of_a_text(text: str, kept: str) -> None:
    assert receipts.clean(text) == kept


def test_a_text_beyond_all_measure_is_cut_and_says_so() -> None:
    kept = receipts.clean("x" * 50_000)
    assert (len(kept), kept.endswith("[…]")) == (receipts.LONGEST, True)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_an_acknowledgement_costs_one_text(language: str) -> None:
    assert segments(receipts.acknowledgement("12345678", language)) == 1


def test_a_language_without_a_catalogue_gets_vietnamese() -> None:
    assert receipts.said("stopped", "tyz") == receipts.said("stopped", "vi") != receipts.said("stopped", "en")


def test_one_attached_file_is_not_files() -> None:
    assert receipts.said("files_not_fetched", "en", count=1) == "[1 attached file, not downloaded]"
    assert receipts.said("files_not_fetched", "en", count=2) == "[2 attached files, not downloaded]"
