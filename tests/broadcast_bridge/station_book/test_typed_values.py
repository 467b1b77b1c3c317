"""Days, amounts and numbers as people and Excel write them."""

import contextlib
import datetime
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast_bridge.station_book import typed_values
from broadcast_bridge.station_book.typed_values import read_day, read_money, shown_money
from haichieu.errors import InvalidValue
from haichieu.locale import render


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0), ("150000000", 150000000), ("1.234.567", 1234567), ("1,234,567", 1234567), ("1 234 567", 1234567),
        ("1,234,567.00", 1234567), ("1.234.567,0", 1234567), ("1.234,00", 1234), ("1234567.0", 1234567),
        ("150000000.00", 150000000), ("150.000.000 đồng", 150000000), ("2.000.000đ", 2000000),
        ("2,000,000 VND", 2000000), ("3.000.000 ₫", 3000000),
    ],
)  # fmt: skip
def test_amount_that_reads_one_way_is_whole_dong(text: str, amount: int) -> None:
    assert read_money(text) == amount


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *((text, "money_ambiguous") for text in ("1.500", "1,234", "12,5", "1.5", "500.000", "1.250,000",
                                                  "1234,567")),
        *((text, "money_fraction") for text in ("1.500.000,50", "150000000.50", "1,234,567.5", "1.234,5")),
        *((text, "money") for text in ("", "-5", "+5", ".5", "5.", "1.234.56", "12.34.567", "1,234,567.50.1",
                                       "1.234.567,89,1", "1,5 tỷ", "=1+1", "1e9", "١٢٣")),
        ("999.999.999.999.999", "money_too_large"),
    ],
)  # fmt: skip
def test_amount_that_is_unclear_is_refused(text: str, key: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        read_money(text)
    assert refusal.value.message.key == f"book.value.{key}"


@given(st.integers(1_000_000, 10**14))
def test_grouped_amounts_are_read_as_they_were_written(amount: int) -> None:
    english = f"{amount:,}"
    vietnamese = english.replace(",", ".")
    assert {read_money(text) for text in (str(amount), english, vietnamese, f"{english}.00", f"{vietnamese},00")} == {
        amount
    }


@given(st.integers(0, 10**14))
def test_amount_of_a_form_is_read_again(amount: int) -> None:
    assert read_money(shown_money(amount)) == amount


def test_upper_limit_is_named_in_billions() -> None:
    with pytest.raises(InvalidValue) as refusal:
        read_money("1000000000001", 10**12)
    assert "1.000 tỷ đồng" in render(refusal.value.message, "vi")


@given(st.text("0123456789.,", min_size=1, max_size=20))
def test_no_amount_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(InvalidValue):
        assert 0 <= read_money(text) <= typed_values.MOST_MONEY


@pytest.mark.parametrize("text", ["05/09/2027", "5/9/2027", "05-09-2027", "5.9.2027", "2027-09-05", "46635",
                                  "2027-09-05 00:00:00"])  # fmt: skip
def test_day_is_read_as_written_in_vietnam_or_by_excel(text: str) -> None:
    assert read_day(text) == datetime.date(2027, 9, 5)


@pytest.mark.parametrize("text", ["30/02/2027", "09/13/2027", "5/9/27", "2027", "mai", "1/1/1800", "99999999"])
def test_day_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        read_day(text)


@pytest.mark.parametrize(
    ("read", "text", "stored"),
    [
        (typed_values.read_serial, "000123", "000123"), (typed_values.read_serial, "AB-01/2 #7", "AB-01/2 #7"),
        (typed_values.read_imei, "35 012345 678901 2", "350123456789012"),
        (typed_values.read_phone, "0912.345.678", "0912345678"),
        (typed_values.read_phone, "+84912345678", "+84912345678"),
        (typed_values.read_year, "2027", 2027), (typed_values.read_count, "0", 0),
    ],
)  # fmt: skip
def test_numbers_keep_their_zeros(read: Callable[[str], object], text: str, stored: object) -> None:
    assert read(text) == stored


@pytest.mark.parametrize(
    ("read", "text", "key"),
    [
        (typed_values.read_serial, "3.50123E+14", "rounded"), (typed_values.read_imei, "3,5E+14", "rounded"),
        (typed_values.read_phone, "9.12E+08", "rounded"), (typed_values.read_phone, "912345678", "phone_without_zero"),
        (typed_values.read_phone, "12", "phone"), (typed_values.read_imei, "123", "imei"),
        (typed_values.read_serial, "a;b", "serial"), (typed_values.read_year, "27", "year"),
        (typed_values.read_count, "-1", "count"), (typed_values.read_count, "1.5", "count"),
    ],
)  # fmt: skip
def test_damaged_number_is_refused(read: Callable[[str], object], text: str, key: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        read(text)
    assert refusal.value.message.key == f"book.value.{key}"
