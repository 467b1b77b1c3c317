"""Telephone numbers: one spelling (E.164) inside the station, the carrier's spelling at its edge."""

import re
from collections.abc import Sequence

import phonenumbers

HOME_REGION = "VN"
_CALLER_ID = re.compile(r"[+*#0-9A-Za-z._-]{1,32}", re.ASCII)
"""As the caller numbers of the station's own accounts."""
WITHHELD = {"", "anonymous", "unavailable", "unknown", "restricted", "private"}


def normalise(number: str | None) -> str | None:
    """Return a number as E.164 (ITU-T E.164) where it is one, else as it came; None when it is withheld.

    Short codes ("1900") and internal numbers stay as they are.
    """
    text = (number or "").strip()
    if text.lower() in WITHHELD:
        return None
    if any(
        sign.isalpha() for sign in text
    ):  # the library maps letters to digits, which would give another person's number
        return text
    try:
        parsed = phonenumbers.parse(text, HOME_REGION)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_possible_number(parsed):
        return text
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def caller_id(claimed: str | None) -> str | None:
    """Return the number of a caller as `normalise` does; None when it is withheld or contains a sign of no number."""
    number = normalise(claimed)
    return number if number and _CALLER_ID.fullmatch(number) else None


def spellings(number: str) -> tuple[str, ...]:
    """Return the ways in which carriers write a normalised number; only itself if it is internal."""
    if not number.startswith("+"):
        return (number,)
    digits = number[1:]
    home = str(phonenumbers.country_code_for_region(HOME_REGION))
    national = (f"0{digits[len(home) :]}",) if digits.startswith(home) else ()
    return (number, digits, f"00{digits}", *national)


def as_dialled(number: str, prefix_rules: Sequence[Sequence[str]]) -> str:
    """Return the number as a carrier wants it: the first rule (prefix, replacement) that fits is applied."""
    for prefix, replacement in prefix_rules:
        if number.startswith(prefix):
            return replacement + number[len(prefix) :]
    return number


def masked(number: str | None) -> str:
    """Return the number with all but its last three digits hidden, for logs."""
    if not number:
        return "withheld"
    return "•" * max(len(number) - 3, 0) + number[-3:]
