"""The catalogue of one language: gettext messages by key, with plurals (PO files, read by Babel)."""

import functools
import io
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = {"vi": "Tiếng Việt", "en": "English"}
FALLBACK = "vi"
FOLDER = Path(__file__).parent


class UnknownMessage(LookupError):
    """The code asks for a message that the catalogue lacks."""


class Catalogue:
    """Every message of one language."""

    def __init__(self, language: str, folder: Path = FOLDER) -> None:
        with (folder / language / "messages.po").open("rb") as file:
            source = read_po(file, locale=language)
        compiled = io.BytesIO()
        write_mo(compiled, source)
        compiled.seek(0)
        self._translations = GNUTranslations(compiled)
        self.keys = frozenset(str(entry.id[0] if entry.pluralizable else entry.id) for entry in source if entry.id)
        self._plurals = frozenset(str(entry.id[0]) for entry in source if entry.id and entry.pluralizable)

    def template(self, key: str, count: int | None = None) -> str:
        """Return the sentence of this key, in the plural form for `count`. Raises UnknownMessage."""
        if key not in self.keys:
            raise UnknownMessage(key)
        if key in self._plurals:
            return self._translations.ngettext(key, key, 1 if count is None else count)
        return self._translations.gettext(key)


@functools.cache
def catalogue(language: str) -> Catalogue:
    """Return the catalogue of a language, read once; an unknown language gets Vietnamese."""
    return Catalogue(language if language in LANGUAGES else FALLBACK)
