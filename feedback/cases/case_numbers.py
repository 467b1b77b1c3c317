"""Case numbers: seven random digits and a check digit.

The check digit is Damm's (2004). It detects every single wrong digit and every swap of neighbours, the usual mistakes
in hearing and typing digits.
"""

import re
import secrets
import unicodedata

from stdnum import damm

from haichieu.errors import NotFound

DIGITS = 8
"""Including the check digit."""

_WRITTEN = r"(?<![0-9])[0-9](?:[ .,_/()\n-]{0,3}[0-9]){7}(?![0-9])"
_ANYWHERE = re.compile(f"(?=({_WRITTEN}))")
"""Eight digits in any groups, at every place where they can begin: "1 1234 5678" contains a number, too."""
_BETWEEN = ("Cf", "Zs", "Pd", "Ps", "Pe")
"""Categories of the signs that people and phones put into numbers: invisible signs, spaces, dashes and brackets."""


class WrongCheckDigit(NotFound):
    """The text cannot be a case number."""

    def __init__(self) -> None:
        super().__init__("case.wrong_number")


def new_case_number() -> str:
    """Return a random number with its check digit; it never begins with zero."""
    digits = str(secrets.randbelow(9 * 10 ** (DIGITS - 2)) + 10 ** (DIGITS - 2))
    return digits + damm.calc_check_digit(digits)


def read_case_number(text: str) -> str:
    """Return the number in what a person typed ("1234 5678", "(1234–5678)"). Raises WrongCheckDigit."""
    compatible = unicodedata.normalize("NFKC", text)
    digits = "".join(sign for sign in compatible if sign not in ".#−" and unicodedata.category(sign) not in _BETWEEN)
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()) or not damm.is_valid(digits):
        raise WrongCheckDigit
    return digits


def case_numbers_in(text: str) -> list[str]:
    """Return what can be a case number in a text, with any spaces, dashes or brackets between its digits."""
    found = (re.sub("[^0-9]", "", written) for written in _ANYWHERE.findall(_plain(text)))
    return list(dict.fromkeys(digits for digits in found if damm.is_valid(digits)))


def without_case_numbers(text: str) -> str:
    """Return a text without what is written like a case number."""
    return re.sub(_WRITTEN, " ", _plain(text))


def _plain(text: str) -> str:
    return "".join(_as_ascii(sign) for sign in unicodedata.normalize("NFKC", text))


def _as_ascii(sign: str) -> str:
    kind = unicodedata.category(sign)
    return "" if kind == "Cf" else " " if kind == "Zs" else "-" if kind == "Pd" or sign == "−" else sign


def spoken_groups(number: str) -> str:
    """Return the number in two groups, as it is written for people: "1234 5678"."""
    return f"{number[:4]} {number[4:]}"
