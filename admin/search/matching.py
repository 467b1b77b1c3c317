"""Comparison of names and telephone numbers with what was typed, for lists that a station keeps short."""

import functools
import re
from collections.abc import Iterable

from haichieu.folded_text import folded

MOST_WORDS = 8
FEWEST_DIGITS = 3
_LIKE_A_NUMBER = re.compile(r"[0-9+ ().-]+", re.ASCII)


class Typed:
    """Typed words: case, diacritics and the form of Unicode make no difference."""

    def __init__(self, text: str) -> None:
        self.words = folded(text).split()[:MOST_WORDS]
        self.digits = re.sub("[^0-9]", "", text) if _LIKE_A_NUMBER.fullmatch(text.strip()) else ""

    def is_in(self, *texts: str) -> bool:
        """Return whether every word is in one of the texts."""
        found = [_folded(text) for text in texts]
        return bool(self.words) and all(any(word in text for text in found) for word in self.words)

    def is_in_number(self, numbers: Iterable[str]) -> bool:
        """Return whether the typed digits are in one of the telephone numbers; both may begin with 0, 84 or +84."""
        wanted = self.digits.lstrip("0")
        return len(self.digits) >= FEWEST_DIGITS and any(wanted in number for number in numbers)

    def begins(self, text: str) -> bool:
        """Return whether a text begins with what was typed."""
        return _folded(text).startswith(" ".join(self.words))


@functools.lru_cache(maxsize=20_000)
def _folded(text: str) -> str:
    return folded(text)
