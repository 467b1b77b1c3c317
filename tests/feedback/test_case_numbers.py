import pytest

from feedback.cases.case_numbers import WrongCheckDigit, new_case_number, read_case_number, spoken_groups


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
