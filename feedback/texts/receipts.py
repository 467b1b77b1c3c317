"""Wording of texts: cleaning and commands of inbound texts, and the station's own replies."""

import re
import unicodedata
from enum import StrEnum

from feedback.cases.case_numbers import WrongCheckDigit, read_case_number, spoken_groups
from haichieu.locale import Field, render_key

LONGEST = 10_000
"""Stored characters of one text."""
CUT = " […]"

_STOP = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "huy", "huy bo", "huy dang ky", "tu choi"}
_START = {"start", "unstop", "dang ky", "dang ki", "dong y"}
_STOP_EXACTLY = {"dừng", "ngừng"}
"""Without its mark the first would also match "right" (đúng)."""

_NUMBER_AHEAD = re.compile(r"\s*#?\s*(\d{4}[ .-]?\d{4})(?!\d)")
_STEERS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Marks that change the direction of the text after them."""


class Wish(StrEnum):
    """Commands that a citizen sends as one word."""

    STOP = "stop"
    START = "start"


def clean(text: str) -> str:
    """Return a text as it is stored: composed letters (NFC), no control characters, at most `LONGEST` long."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    text = _STEERS.sub("", text)
    text = "".join(sign for sign in text if sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cs")).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - len(CUT)] + CUT


def wish(text: str) -> Wish | None:
    """Return the command that a text consists of, with or without diacritics; None for an ordinary message."""
    words = " ".join(re.sub(r"[^\w\s]", " ", text.casefold()).split())
    bare = _without_marks(words)
    if bare in _STOP or unicodedata.normalize("NFC", words) in _STOP_EXACTLY:
        return Wish.STOP
    return Wish.START if bare in _START else None


def case_number_ahead(text: str) -> str | None:
    """Return the case number at the beginning of a text, None without one."""
    found = _NUMBER_AHEAD.match(text)
    if found is None:
        return None
    try:
        return read_case_number(found[1])
    except WrongCheckDigit:
        return None


def acknowledgement(number: str, language: str) -> str:
    """Return the reply to a citizen's own text: the case number, in one segment."""
    return said("received", language, number=spoken_groups(number))


def said(what: str, language: str, **fields: Field) -> str:
    """Return one of the station's own texts; in Vietnamese for a language without a catalogue."""
    return render_key(language, f"text.receipt.{what}", fields)


def _without_marks(text: str) -> str:
    parts = unicodedata.normalize("NFD", text.replace("đ", "d"))
    return "".join(sign for sign in parts if not unicodedata.combining(sign))
