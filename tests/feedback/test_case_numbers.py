import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.cases.case_numbers import (
    WrongCheckDigit,
    case_numbers_in,
    new_case_number,
    read_case_number,
    spoken_groups,
    without_case_numbers,
)


def test_every_single_wrong_digit_and_every_swap_is_caught() -> None:
    number = new_case_number()
    for place in range(len(number)):
        for digit in "0123456789":
            wrong = number[:place] + digit + number[place + 1 :]
            if wrong != number:
                with pytest.raises(WrongCheckDigit):
                    read_case_number(wrong)
        swapped = number[:place] + number[place : place + 2][::-1] + number[place + 2 :]
        if swapped != number:
            with pytest.raises(WrongCheckDigit):
                read_case_number(swapped)


def test_a_number_is_read_however_people_group_it() -> None:
    number = new_case_number()
    for written in (number, spoken_groups(number), f"{number[:3]}-{number[3:]}", f" {number}#"):
        assert read_case_number(written) == number


@pytest.mark.parametrize("text", ["", "abc", "1", "0" * 20, "１２３４５６７８", "12 34 56 7x", "9" * 400])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(WrongCheckDigit):
        read_case_number(text)


def test_numbers_follow_no_order() -> None:
    numbers = [new_case_number() for _ in range(50)]
    assert len(set(numbers)) == 50
    assert all(len(number) == 8 and number[0] != "0" for number in numbers)
    assert numbers != sorted(numbers)


@pytest.mark.parametrize(
    "shape",
    ["{0}–{1}", "{0}\u00a0{1}", "\u200b{0} {1}", "({0} {1})", "#{0}.{1}", "{0}\u2011{1}", "{0}−{1}", "({0}){1}"],
)
def test_number_is_read_with_any_dash_space_or_bracket(shape: str) -> None:
    number = new_case_number()
    typed = shape.format(number[:4], number[4:])
    assert read_case_number(typed) == number
    assert case_numbers_in(f"Về vụ {typed}: vẫn hỏng") == [number]


@pytest.mark.parametrize(
    "text", ["57240001", "5724", "572400000", "5724:0000", "5724 x 0000", "1 5724", "", "57240000" * 2]
)
def test_no_case_number_is_found_where_there_is_none(text: str) -> None:
    assert case_numbers_in(text) == []


@pytest.mark.parametrize(
    "grouped", ["{}{} {}{} {}{} {}{}", "{} {} {} {} {} {} {} {}", "{}{}{}-{}{}{}-{}{}", "{}{}{}{}/{}{}{}{}"]
)
@pytest.mark.parametrize("before", ["", "1 ", "Phản ánh số "])
def test_number_is_found_in_any_groups_of_digits(grouped: str, before: str) -> None:
    number = new_case_number()
    text = before + grouped.format(*number) + " vẫn hỏng"
    assert number in case_numbers_in(text)
    assert number not in case_numbers_in(without_case_numbers(text))


@given(st.text(st.characters(exclude_categories=["Nd", "No"]), max_size=30), st.sampled_from("\u00a0 -–—‑.\u200b"))
def test_number_is_found_between_any_words(words: str, between: str) -> None:
    number = new_case_number()
    assert case_numbers_in(f"{words} {number[:4]}{between}{number[4:]} {words}") == [number]
