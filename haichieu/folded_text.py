"""Vietnamese text made comparable: nobody types diacritics in a hurry, and recognition gets the tones wrong first."""

import re
import unicodedata

_TONES = {"\N{COMBINING GRAVE ACCENT}", "\N{COMBINING ACUTE ACCENT}", "\N{COMBINING HOOK ABOVE}"} | {
    "\N{COMBINING TILDE}",
    "\N{COMBINING DOT BELOW}",
}
_WORD = re.compile(r"[^\W_]+")


def folded(text: str) -> str:
    """Return the text in small letters without diacritics, words apart by one space."""
    plain = unicodedata.normalize("NFD", text.lower()).replace("đ", "d")
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())


def without_tones(text: str) -> str:
    """Return the text with its five tone marks taken off and its vowels as they are: "cầu" and "câu" become one."""
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(letter for letter in apart if letter not in _TONES))


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters, without the signs between them."""
    return _WORD.findall(unicodedata.normalize("NFC", text.lower()))
