"""Values as people and Excel write them: days, years, amounts of đồng, serial numbers, telephone numbers.

What can be read in two ways is refused, with both ways in the message: a wrong amount would not be noticed.
"""

import datetime
import re

from haichieu.errors import InvalidValue
from haichieu.folded_text import folded

BILLION = 10**9
"""In Vietnamese, large amounts are counted in tỷ."""
MOST_MONEY = 100_000 * BILLION
MOST_PEOPLE = 100_000
FIRST_YEAR, LAST_YEAR = 1945, 2100
EXCEL_DAYS = range(15_000, 75_000)
"""Days that a cell with a date of 1941 to 2105 contains as a number."""
_EXCEL_BEGINS = datetime.date(1899, 12, 30)
_DAY = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]00:00(?::00)?)?")
_CURRENCY = re.compile(r"\s*(?:dong|vnd|d|₫)\.?$")
_GROUPS = re.compile(r"[0-9]{1,3}(?:([.,])[0-9]{3})(?:\1[0-9]{3})*")
_ROUNDED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_SERIAL = re.compile(r"[\w./#:+() -]+")


def read_day(text: str) -> datetime.date:
    """Return a day written dd/mm/yyyy (or ISO 8601), or as the number of an Excel date. Raises InvalidValue."""
    if found := _ISO_DAY.fullmatch(text):
        year, month, day = map(int, found.groups())
    elif found := _DAY.fullmatch(text):
        day, month, year = map(int, found.groups())
    elif text.isascii() and text.isdigit() and int(text) in EXCEL_DAYS:
        return _EXCEL_BEGINS + datetime.timedelta(days=int(text))
    else:
        raise InvalidValue("book.value.day", value=text[:40])
    try:
        read = datetime.date(year, month, day)
    except ValueError:
        raise InvalidValue("book.value.day", value=text[:40]) from None
    if not FIRST_YEAR <= read.year <= LAST_YEAR:
        raise InvalidValue("book.value.year", first=FIRST_YEAR, last=LAST_YEAR)
    return read


def read_year(text: str) -> int:
    """Return a year. Raises InvalidValue."""
    year = int(text) if re.fullmatch(r"[0-9]{4}", text, re.ASCII) else 0
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidValue("book.value.year", first=FIRST_YEAR, last=LAST_YEAR)
    return year


def read_count(text: str) -> int:
    """Return a number of people. Raises InvalidValue."""
    if not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) or int(text) > MOST_PEOPLE:
        raise InvalidValue("book.value.count", most=MOST_PEOPLE)
    return int(text)


def read_money(text: str, most: int = MOST_MONEY) -> int:
    """Return an amount in đồng, whole and at most `most`.

    "1.234.567" and "1,234,567.00" can be read in one way only; "1.234" and "12,5" are refused. Raises InvalidValue.
    """
    typed = "".join(_CURRENCY.sub("", folded(text)).split())
    if not re.fullmatch(r"[0-9.,]+", typed, re.ASCII) or not typed[0].isdigit() or not typed[-1].isdigit():
        raise InvalidValue("book.value.money", value=text[:40])
    amount = _amount(typed)
    if amount is None:
        raise InvalidValue("book.value.money", value=text[:40])
    if amount > most:
        raise InvalidValue("book.value.money_too_large", count=most // BILLION)
    return amount


def shown_money(amount: int) -> str:
    """Return an amount as a form shows it: in groups where `read_money` reads these in one way only."""
    return f"{amount:,}".replace(",", ".") if amount >= 10**6 else str(amount)


def _amount(typed: str) -> int | None:
    marks = re.findall(r"[.,]", typed)
    if not marks:
        return int(typed)
    whole, mark, fraction = typed.rpartition(marks[-1])
    if len(set(marks)) == 1 and len(marks) > 1:
        return int(typed.replace(mark, "")) if _GROUPS.fullmatch(typed) else None
    if len(marks) > 1 and (marks.count(mark) > 1 or not _GROUPS.fullmatch(whole)):
        return None
    if len(whole) <= 3 or len(fraction) == 3:  # thousands, or a fraction of millions
        raise InvalidValue("book.value.money_ambiguous")
    if fraction.strip("0"):
        raise InvalidValue("book.value.money_fraction", value=typed)
    return int(whole.replace(marks[0], ""))


def read_serial(text: str) -> str:
    """Return a serial number or a code as it is. Raises InvalidValue for one that Excel rounded."""
    _refuse_rounded(text)
    if not _SERIAL.fullmatch(text):
        raise InvalidValue("book.value.serial")
    return text


def read_imei(text: str) -> str:
    """Return an IMEI (3GPP TS 23.003 §6.2) of 14 to 16 digits. Raises InvalidValue."""
    _refuse_rounded(text)
    digits = re.sub(r"[ ./-]", "", text)
    if not re.fullmatch(r"[0-9]{14,16}", digits, re.ASCII):
        raise InvalidValue("book.value.imei")
    return digits


def read_phone(text: str) -> str:
    """Return a telephone number with the zero at its beginning. Raises InvalidValue."""
    _refuse_rounded(text)
    number = re.sub(r"[ .()-]", "", text)
    if re.fullmatch(r"[1-9][0-9]{8}", number, re.ASCII):
        raise InvalidValue("book.value.phone_without_zero", value=number)
    if not re.fullmatch(r"(?:\+84|84|0)[0-9]{8,13}", number, re.ASCII):
        raise InvalidValue("book.value.phone")
    return number


def read_text(text: str, most: int) -> str:
    """Return a text without control characters. Raises InvalidValue."""
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise InvalidValue("book.value.control_character")
    if len(text) > most:
        raise InvalidValue("book.value.too_long", most=most)
    return text


def _refuse_rounded(text: str) -> None:
    if _ROUNDED.fullmatch(text):
        raise InvalidValue("book.value.rounded", value=text)
