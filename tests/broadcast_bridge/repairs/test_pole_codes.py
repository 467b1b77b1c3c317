"""Pole codes: one per speaker, far apart, and no slip of a finger leads to another speaker."""

import pytest

from broadcast_bridge.repairs.errors import WrongPoleCode
from broadcast_bridge.repairs.pole_codes import grouped, pole_code, speaker_of_code

SPEAKERS = [*range(1, 3000), 89_998, 89_999, 90_000, 90_001, 899_999]


def test_every_speaker_has_its_own_code_and_is_found_by_it() -> None:
    codes = [pole_code(speaker) for speaker in SPEAKERS]
    assert len(set(codes)) == len(codes)
    assert [speaker_of_code(code) for code in codes] == SPEAKERS
    assert {len(code) for code in codes} == {6, 7}
    assert not any(code.startswith("0") for code in codes)


def test_codes_are_written_in_groups_and_read_back() -> None:
    assert grouped(pole_code(1)) == f"{pole_code(1)[:3]} {pole_code(1)[3:]}"
    assert speaker_of_code(grouped(pole_code(1))) == 1


def test_no_wrong_digit_and_no_swap_leads_to_another_speaker() -> None:
    code = pole_code(17)
    wrong = {code[:i] + digit + code[i + 1 :] for i in range(6) for digit in "0123456789"}
    swapped = {code[:i] + code[i + 1] + code[i] + code[i + 2 :] for i in range(5)}
    for text in (wrong | swapped) - {code}:
        with pytest.raises(WrongPoleCode):
            speaker_of_code(text)


@pytest.mark.parametrize(
    "text", ["", "0", "12345", "12345678", "12a456", "１２３４５６", "-12345", "000000", "0000000"]
)
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(WrongPoleCode):
        speaker_of_code(text)
