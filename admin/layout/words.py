"""The words of the pages in both languages: `texts/vi.toml` and `texts/en.toml`, which say the same things.

A text may hold fields (`{count}`); a template asks for it by name: `t("login.title")`.
"""

import functools
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from haichieu.errors import HaiChieuError

LANGUAGES = {"vi": "Tiếng Việt", "en": "English"}
FALLBACK = "vi"
FOLDER = Path(__file__).parent / "texts"


class NoSuchText(HaiChieuError):
    """A page asks for a text that the catalogue lacks."""


class Words:
    """The texts of every language."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._texts = {language: _read(folder / f"{language}.toml") for language in LANGUAGES}

    def say(self, language: str, name: str, fields: Mapping[str, object]) -> str:
        """The text of this name with its fields filled in. Raises NoSuchText."""
        text = self._texts[language].get(name)
        if text is None:
            raise NoSuchText(f"Thiếu câu chữ / no text is called {name!r}")
        return text.format_map(fields) if fields else text

    def has(self, name: str) -> bool:
        """Say whether there is such a text."""
        return name in self._texts[FALLBACK]

    def names(self, language: str) -> Mapping[str, str]:
        """Every text of a language by its name."""
        return self._texts[language]


def half(sentence: str, language: str) -> str:
    """The half of a message "Tiếng Việt / English" that is in a language; all of it when it has no halves."""
    vietnamese, slash, english = sentence.partition(" / ")
    if not slash:
        return sentence
    return english if language == "en" else vietnamese


@functools.cache
def _read(file: Path) -> Mapping[str, str]:
    return dict(_flat(tomllib.loads(file.read_text())))


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, str(value)
