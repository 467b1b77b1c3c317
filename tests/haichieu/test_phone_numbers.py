import pytest

from haichieu.phone_numbers import as_dialled, caller_id, masked, normalise, spellings


@pytest.mark.parametrize(
    ("given", "normal"),
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
        ("'; DROP TABLE officials", "'; DROP TABLE officials"),
    ],
)
def test_one_number_has_one_spelling(given: str | None, normal: str | None) -> None:
    assert normalise(given) == normal


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
    assert spellings("+84912000001") == ("+84912000001", "84912000001", "0084912000001", "0912000001")
    assert spellings("+16502530000") == ("+16502530000", "16502530000", "0016502530000")
    assert spellings("101") == ("101",)
