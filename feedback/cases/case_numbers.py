"""Case numbers: seven random digits and a check digit.

The check digit is Damm's (2004). It detects every single wrong digit and every swap of neighbours, the usual mistakes
in hearing and typing digits.
"""

import secrets

from stdnum import damm

from haichieu.errors import NotFound

DIGITS = 8
"""Including the check digit."""


class WrongCheckDigit(NotFound):
    """The text cannot be a case number."""

    def __init__(self) -> None:
        super().__init__("case.wrong_number")


def new_case_number() -> str:
    """Return a random number with its check digit; it never begins with zero."""
    digits = str(secrets.randbelow(9 * 10 ** (DIGITS - 2)) + 10 ** (DIGITS - 2))
    return digits + damm.calc_check_digit(digits)


def read_case_number(text: str) -> str:
    """Return the number in what a person typed ("1234 5678", "1234-5678"). Raises WrongCheckDigit."""
    digits = text.translate({ord(sign): None for sign in " .-#"})
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()) or not damm.is_valid(digits):
        raise WrongCheckDigit
    return digits


def spoken_groups(number: str) -> str:
    """Return the number in two groups, as it is written for people: "1234 5678"."""
    return f"{number[:4]} {number[4:]}"
