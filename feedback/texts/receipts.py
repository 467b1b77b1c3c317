"""Wording of texts: cleaning and commands of inbound texts, and the station's own replies."""

import re
import unicodedata
from enum import StrEnum

from feedback.cases.case_numbers import spoken_groups
from haichieu.locale import Field, render_key

LONGEST = 10_000
"""Stored characters of one text."""
CUT = " […]"

_STOP = {
    "stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out",
    "huy", "huy bo", "huy dang ky", "huy dang ki", "huy nhan tin", "huy tin nhan", "huy tin",
    "tu choi", "tu choi nhan tin", "tu choi tin nhan", "ngung nhan", "ngung nhan tin", "dung nhan tin",
    "khong nhan tin", "khong nhan tin nua", "dung nhan tin nua", "xin dung nhan tin", "tu choi tin", "tat tin nhan",
    "huy dk", "unsub", "tc", "tc qc", "tu choi qc", "tu choi quang cao",
}  # fmt: skip
_START = {"start", "unstop", "optin", "opt in", "dang ky", "dang ki", "dang ky lai", "nhan tin", "dang ky nhan tin"}
_START_IF_STOPPED = {"dong y", "yes"}
"""Also answers to a question of the office, for a citizen who receives texts."""
_STOP_EXACTLY = {"dừng", "ngừng", "ngưng"}
"""Without its mark the first would also match "right" (đúng)."""

_STEERS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Marks that change the direction of the text after them."""


class Wish(StrEnum):
    """Commands that a citizen sends as one word. Only providers of texts answer HELP."""

    STOP = "stop"
    START = "start"
    HELP = "help"


def clean(text: str) -> str:
    """Return a text as it is stored: composed letters (NFC), no control characters, at most `LONGEST` long."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    text = _STEERS.sub("", text)
    text = "".join(sign for sign in text if sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cs")).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - len(CUT)] + CUT


def wish(text: str, *, stopped: bool = False) -> Wish | None:
    """Return the command that a text consists of, with or without diacritics; None for an ordinary message.

    `stopped` says that the sender has opted out.
    """
    words = _words(text)
    bare = _without_marks(words)
    if bare in _STOP or unicodedata.normalize("NFC", words) in _STOP_EXACTLY:
        return Wish.STOP
    return Wish.START if bare in _START or (stopped and bare in _START_IF_STOPPED) else None


def bare_words(text: str) -> str:
    """Return the words of a text in small letters, without diacritics and signs."""
    return _without_marks(_words(text))


def acknowledgement(number: str, language: str) -> str:
    """Return the reply to a citizen's own text: the case number, in one segment."""
    return said("received", language, number=spoken_groups(number))


def said(what: str, language: str, **fields: Field) -> str:
    """Return one of the station's own texts; in Vietnamese for a language without a catalogue."""
    return render_key(language, f"text.receipt.{what}", fields)


def _words(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", unicodedata.normalize("NFKC", text).casefold()).split())


def _without_marks(text: str) -> str:
    parts = unicodedata.normalize("NFD", text.replace("đ", "d"))
    return "".join(sign for sign in parts if not unicodedata.combining(sign))
