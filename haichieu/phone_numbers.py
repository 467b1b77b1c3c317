"""Telephone numbers: one spelling (E.164) inside the station, the carrier's spelling at its edge."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

import phonenumbers
from phonenumbers import PhoneNumberType

from haichieu.renumbered import replaced_by

HOME_REGION = "VN"
_CALLER_ID = re.compile(r"[+*#0-9A-Za-z._-]{1,32}", re.ASCII)
"""As the caller numbers of the station's own accounts."""
_WITHHELD = re.compile(
    r"anonym|withheld|unavail|unassigned|unknown|restrict|private|blocked|hidden|invalid|asterisk|out.?of.?area|no.?number"
)
"""What carriers and exchanges write instead of a number, alone or within more words."""
NUMBER_DIGITS = 9
"""This many digits at the end of a phone number identify it."""
_SUBSCRIBER = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_SERVICES = frozenset(
    {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.TOLL_FREE, PhoneNumberType.UAN}
)


def is_withheld(number: str | None) -> bool:
    """Return whether the caller's number is missing: a text without digits, with such a word, or only zeros.

    Analogue gateways write "P" (private) and "O" (out of area), others "anonymous.invalid", "Unknown Number" or "-1".
    """
    text = unicodedata.normalize("NFKC", number or "").strip().lower()
    digits = [sign for sign in text if sign.isdecimal()]
    return not digits or text.startswith("-") or set(digits) == {"0"} or _WITHHELD.search(text) is not None


def normalise(number: str | None) -> str | None:
    """Return a number as E.164 (ITU-T E.164) where it is one, else as it came; None when it is withheld.

    Short codes ("1900") and internal numbers stay as they are. A Vietnamese number that was renumbered becomes the
    number that replaced it.
    """
    text = (number or "").strip()
    if is_withheld(text):
        return None
    if any(
        sign.isalpha() for sign in text
    ):  # the library maps letters to digits, which would give another person's number
        return text
    try:
        parsed = phonenumbers.parse(text, HOME_REGION)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_valid_number(parsed):
        parsed = _replacement(parsed) or parsed
    if not phonenumbers.is_possible_number(parsed):
        return text
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _replacement(dead: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber | None:
    """Return the number in service that replaced an invalid one; None without one."""
    if dead.country_code != phonenumbers.country_code_for_region(HOME_REGION):
        return None
    national = replaced_by(phonenumbers.national_significant_number(dead))
    found = phonenumbers.parse(f"+{dead.country_code}{national}") if national else None
    return found if found is not None and phonenumbers.is_valid_number(found) else None


def is_service(number: str) -> bool:
    """Return whether a normalised number belongs to a service instead of a subscriber: a short code, 1900, 1800."""
    if not _SUBSCRIBER.fullmatch(number):
        return True
    try:
        return phonenumbers.number_type(phonenumbers.parse(number)) in _SERVICES
    except phonenumbers.NumberParseException:
        return True


def is_out_of_service(number: str) -> bool:
    """Return whether a normalised Vietnamese number is in the range of mobile numbers that ended in 2018."""
    home = f"+{phonenumbers.country_code_for_region(HOME_REGION)}"
    return number.startswith(f"{home}1") and not is_service(number)


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
    own = digits[len(home) :]
    national = (f"0{own}", own) if digits.startswith(home) else ()
    return (number, digits, f"00{digits}", *national)


def national(number: str) -> str:
    """Return a number as people in the country dial it: a Vietnamese E.164 number with 0, any other as it is."""
    home = f"+{phonenumbers.country_code_for_region(HOME_REGION)}"
    return f"0{number[len(home) :]}" if number.startswith(home) else number


def holds_number(text: str, number: str) -> bool:
    """Return whether a text contains a telephone number, however it is spelled."""
    digits = re.sub(r"\D", "", number)[-NUMBER_DIGITS:]
    return bool(digits) and digits in re.sub(r"(?<=\d)[ .\-()]+(?=\d)", "", text)


def same_number(one: str, other: str) -> bool:
    """Return whether two spellings mean one number."""
    form = normalise(one)
    return one == other or (form is not None and form == normalise(other))


def number_forms(numbers: Iterable[str]) -> dict[str, str]:
    """Return, for each way in which one of our numbers can be written, the number as we write it.

    Where two numbers share a form, it belongs to the number that is written so, else to the first.
    """
    numbers = list(numbers)
    forms = {number: number for number in numbers}
    for number in numbers:
        for form in spellings(normalise(number) or number):
            forms.setdefault(form, number)
    return forms


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
