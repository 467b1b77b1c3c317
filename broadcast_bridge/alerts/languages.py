"""Languages of alerts: ISO 639 and BCP 47 tags, their usual misspellings, and a guess for texts without one.

The names and aliases are those of CLDR, as Babel contains them.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from babel.core import Locale, get_global

DEFAULT_LANGUAGE = "en"
"""The language of an `info` that names none (CAP 1.2 §3.2.2)."""
UNKNOWN_LANGUAGE = "und"
"""ISO 639-2 for a language that is not known."""

_NO_LANGUAGE = frozenset({UNKNOWN_LANGUAGE, "mul", "zxx"})
"""Codes of ISO 639-2 for an unknown language, several and none."""
_MARKED = frozenset("àáâãèéêìíòóôõùúý")
_ONLY_VIETNAMESE = frozenset("ăđĩũơư") | {chr(code) for code in range(0x1EA0, 0x1EFA)}
_LEAST_MARKED = 0.45
"""Share of words with a Vietnamese mark: about 0.7 in Vietnamese, 0.3 in English that names Vietnamese places."""
_WORD = re.compile(r"[^\W\d_]+")


def language_of(tag: str, text: str) -> str:
    """Return the ISO 639 code of a text with a `language` tag, with two letters where such a code exists.

    Without a tag, or with English, the default of many editors, the text decides whether it is Vietnamese; so it does
    with a tag that names no language, which else is UNKNOWN_LANGUAGE.
    """
    named = _language_named(tag) if tag.strip() else ""
    if named in ("", DEFAULT_LANGUAGE):
        return _guessed(text)
    return "vi" if named in _NO_LANGUAGE and _guessed(text) == "vi" else named


def is_latin(letter: str) -> bool:
    """Return whether a letter is of the Latin script, the only one that the station's voices read."""
    return letter < "\u0250" or "\u1e00" <= letter <= "\u1eff"


def _language_named(tag: str) -> str:
    name = unicodedata.normalize("NFC", tag).partition("(")[0].strip().casefold()
    if name in _names():
        return _names()[name]
    code = (re.match("[a-z]*", name) or [""])[0]
    aliases: Mapping[str, str] = get_global("language_aliases")
    if code in aliases:
        return aliases[code].partition("_")[0]
    if code in Locale("en").languages:
        return code
    territory = get_global("territory_aliases").get(code.upper(), [code.upper()])[0]
    if territory in Locale("en").territories:
        return _spoken_in(territory)
    return code if len(code) == 3 else UNKNOWN_LANGUAGE  # ISO 639-3 has more languages than CLDR


@cache
def _names() -> Mapping[str, str]:
    """Return the codes by the names of languages and of countries, in English and in Vietnamese."""
    found: dict[str, str] = {}
    for locale in (Locale("en"), Locale("vi")):
        found |= {name.casefold(): _spoken_in(code) for code, name in locale.territories.items() if len(code) == 2}
        found |= {name.casefold(): code.partition("_")[0] for code, name in locale.languages.items()}
    return found


def _spoken_in(territory: str) -> str:
    """Return the language that most people of a territory speak; CLDR leaves English out."""
    likely: Mapping[str, str] = get_global("likely_subtags")
    return likely.get(f"und_{territory}", DEFAULT_LANGUAGE).partition("_")[0]


def _guessed(text: str) -> str:
    words = _WORD.findall(unicodedata.normalize("NFC", text).lower())
    letters = "".join(words)
    if sum(map(is_latin, letters)) * 2 < len(letters):
        return UNKNOWN_LANGUAGE
    marked = sum(not (_MARKED | _ONLY_VIETNAMESE).isdisjoint(word) for word in words)
    vietnamese = not _ONLY_VIETNAMESE.isdisjoint(letters) and marked >= _LEAST_MARKED * len(words)
    return "vi" if vietnamese else DEFAULT_LANGUAGE
