"""Folding of Vietnamese text for search: people omit diacritics, and speech recognition confuses tones first."""

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
    """Return the text without its tone marks; vowels stay different, so "cầu" and "câu" become equal."""
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(letter for letter in apart if letter not in _TONES))


def name_key(text: str) -> str:
    """Return a key that is equal for every way to write one name.

    Composed or decomposed letters, case, spaces and the place of a tone mark ("Hoà", "Hòa") make no difference.
    """
    words = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()).split()
    return unicodedata.normalize("NFC", " ".join(_tone_last(word) for word in words))


def _tone_last(word: str) -> str:
    visible = [letter for letter in word if unicodedata.category(letter) != "Cf"]
    return "".join(sorted(visible, key=_TONES.__contains__))


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters, without the signs between them."""
    return spelled_words(text.lower())


def spelled_words(text: str) -> list[str]:
    """Return the words of a text as they are written, without the signs between them."""
    return _WORD.findall(unicodedata.normalize("NFC", text))
