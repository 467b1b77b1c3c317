"""Pole codes: the number on the pole of a speaker that a caller keys in to report a fault.

A code is the number of the speaker's row, scrambled so that neighbours differ in several digits, and Damm's check digit
(2004), which detects every wrong digit and every swap of neighbours. It needs no storage and never changes: a printed
code stays valid when the speaker is renamed, moved to another unit or replaced by another device.
"""

from stdnum import damm

from broadcast_bridge.repairs.errors import WrongPoleCode

LENGTHS = (6, 7)
"""Digits of a code including the check digit: the longer ones begin with the 90,000th speaker."""
_FACTOR = 48_271
"""Has no factor in common with 90,000 or 900,000, so that every code belongs to one speaker."""


def pole_code(speaker_id: int) -> str:
    """Return the code of a speaker."""
    length = LENGTHS[0] if speaker_id < _count(LENGTHS[0]) else LENGTHS[1]
    digits = str(_first(length) + speaker_id * _FACTOR % _count(length))
    return digits + damm.calc_check_digit(digits)


def speaker_of_code(text: str) -> int:
    """Return the id in a code, written with any spaces; the speaker may not exist. Raises WrongPoleCode."""
    digits = "".join(text.split())
    if len(digits) not in LENGTHS or not (digits.isascii() and digits.isdigit()) or not damm.is_valid(digits):
        raise WrongPoleCode
    count = _count(len(digits))
    speaker_id: int = (int(digits[:-1]) - _first(len(digits))) * pow(_FACTOR, -1, count) % count
    if pole_code(speaker_id) != digits:
        raise WrongPoleCode
    return speaker_id


def grouped(code: str) -> str:
    """Return a code as it is written for people: "123 456"."""
    return f"{code[:3]} {code[3:]}"


def _first(length: int) -> int:
    """Return the smallest number before the check digit."""
    return 10_000 if length == LENGTHS[0] else 100_000


def _count(length: int) -> int:
    """Return how many codes of this length there are: the first digit is not zero."""
    return 9 * _first(length)
