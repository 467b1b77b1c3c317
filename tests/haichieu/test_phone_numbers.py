import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haichieu.phone_numbers import (
    as_dialled,
    caller_id,
    holds_number,
    is_out_of_service,
    is_service,
    is_withheld,
    masked,
    normalise,
    number_forms,
    same_number,
    spellings,
)
from haichieu.renumbered import MOBILE


@pytest.mark.parametrize(
    ("claimed", "normal"),
    [
        ("0912000001", "+84912000001"),
        ("+84912000001", "+84912000001"),
        ("84912000001", "+84912000001"),
        ("0912 000 001", "+84912000001"),
        ("1900", "1900"),
        ("101", "101"),
        ("+1 650-253-0000", "+16502530000"),
        ("09123abc", "09123abc"),
        ("1800FLOWERS", "1800FLOWERS"),
        ("anonymous", None),
        ("", None),
        (None, None),
        ("'; DROP TABLE officials", None),
        ("1' OR 1=1", "1' OR 1=1"),
    ],
)
def test_one_number_has_one_spelling(claimed: str | None, normal: str | None) -> None:
    assert normalise(claimed) == normal


@pytest.mark.parametrize(
    ("claimed", "taken"),
    [
        ("0912000001", "+84912000001"),
        ("101", "101"),
        ("desk-1", "desk-1"),
        ("anonymous", None),
        ("carrier2%2Fsip", None),
        ('"', None),
        ("0912345678@carrier", None),
        ("9" * 33, None),
    ],
)
def test_a_caller_with_signs_of_no_number_counts_as_withheld(claimed: str, taken: str | None) -> None:
    assert caller_id(claimed) == taken


@pytest.mark.parametrize(
    ("number", "rules", "dialled"),
    [
        ("+84912000001", [["+84", "0"]], "0912000001"),
        ("+16502530000", [["+84", "0"], ["+", "00"]], "0016502530000"),
        ("1900", [["+84", "0"]], "1900"),
        ("+84912000001", [], "+84912000001"),
    ],
)
def test_a_carrier_gets_its_own_spelling(number: str, rules: list[list[str]], dialled: str) -> None:
    assert as_dialled(number, rules) == dialled


def test_logs_show_three_digits_at_most() -> None:
    assert masked("+84912000001") == "•••••••••001"
    assert masked(None) == "withheld"


def test_a_number_is_recognised_in_every_spelling_of_carriers() -> None:
    assert spellings("+84912000001") == (*("+84912000001", "84912000001", "0084912000001", "0912000001", "912000001"),)
    assert spellings("+16502530000") == ("+16502530000", "16502530000", "0016502530000")
    assert spellings("101") == ("101",)


@pytest.mark.parametrize(
    "written",
    [
        "P", "O", "p", "s", "asterisk", "unassigned", "anonymous.invalid", "Anonymous", "Unknown Number", "unknown",
        "UNAVAILABLE", "Private Number", "withheld", "Out of area", "restricted2", "Số ẩn", "N/A", "0", "0000000000",
        "-1", "-", "+", "*", "ＰＲＩＶＡＴＥ", "\u00a0Anonymous\u00a0", "asterisk1",
    ],
)  # fmt: skip
def test_withheld_number_is_recognised_however_it_is_written(written: str) -> None:
    assert is_withheld(written)
    assert (normalise(written), caller_id(written)) == (None, None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("01691234567", "+84391234567"),
        ("+84 169 123 4567", "+84391234567"),
        ("841201234567", "+84701234567"),
        ("0084 199 123 4567", "+84591234567"),
        ("0206000002", "+84206000002"),  # not Lào Cai's of 2016, but a number that lacks a digit
        ("0263 3852 123", "+842633852123"),  # Lâm Đồng today
        ("0391234567", "+84391234567"),
        ("19001234", "+8419001234"),
        ("1900123456", "+841900123456"),
    ],
)
def test_renumbered_number_becomes_the_one_in_service(old: str, new: str) -> None:
    assert normalise(old) == new


def test_every_replacement_is_in_service() -> None:
    for old, new in MOBILE.items():
        subscriber = "3852123"
        assert phonenumbers.is_valid_number(phonenumbers.parse(f"+84{new}{subscriber}")), old
        assert normalise(f"0{old}{subscriber}") == f"+84{new}{subscriber}"


def test_range_that_ended_without_replacement_is_out_of_service() -> None:
    assert is_out_of_service(normalise("01701234567") or "")
    for number in ("0391234567", "1900123456", "18001234", "02063852123", "+16502530000", "9029"):
        assert not is_out_of_service(normalise(number) or ""), number


@pytest.mark.parametrize("number", ["9029", "113", "19001234", "1900123456", "18001234", "1022"])
def test_number_of_a_service_is_recognised(number: str) -> None:
    assert is_service(normalise(number) or "")


@pytest.mark.parametrize("number", ["0912345678", "02063852123", "+16502530000", "01691234567"])
def test_number_of_a_subscriber_is_no_service(number: str) -> None:
    assert not is_service(normalise(number) or "")


@given(st.one_of(st.text(max_size=40), st.from_regex(r"[+0-9 ().-]{0,20}", fullmatch=True)))
def test_any_text_has_one_spelling_or_is_withheld(text: str) -> None:
    number = normalise(text)
    assert number is None or (number != "" and normalise(number) == number)
    assert (number is None) == is_withheld(text)


@given(st.integers(20_000_000, 999_999_999))
def test_every_spelling_of_a_number_is_normalised_to_it(national: int) -> None:
    number = normalise(f"0{national}")
    assert number is not None
    if phonenumbers.is_valid_number(phonenumbers.parse(number, "VN")):
        assert {normalise(one) for one in spellings(number)} == {number}


@settings(deadline=None)
@given(st.sampled_from([203, 206, 208, 263]), st.integers(min_value=3_500_000, max_value=3_899_999))
def test_every_form_of_our_number_leads_back_to_it(area: int, line: int) -> None:
    number = f"0{area}{line}"
    forms = number_forms([number, "1900"])
    assert forms["1900"] == "1900"
    for form in (number, f"84{number[1:]}", f"+84{number[1:]}", f"0084{number[1:]}", number[1:]):
        assert forms[form] == number
        assert same_number(form, number)


def test_number_is_found_in_a_text_however_it_is_spelled() -> None:
    assert holds_number("Gọi cho tôi số 0912-345-678 nhé", "+84912345678")
    assert not holds_number("Gọi 0206 3 852 114, từ 8 đến 17 giờ", "+84912345678")
