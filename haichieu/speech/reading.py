"""Normalisation of official Vietnamese text for speech: document numbers, abbreviations, dates, numbers, units.

Rules for what the state writes come first, then the sea-g2p normaliser for everything else.
Other languages are left to the synthesiser.
"""

import re
import textwrap
import unicodedata

from sea_g2p import Normalizer

from haichieu.speech.abbreviations import expanded
from haichieu.speech.letters import by_digits, spelled
from haichieu.speech.measures import measures_in_words
from haichieu.speech.notation import in_words, lists_in_words, without_markup
from haichieu.speech.numbered_periods import periods_in_words
from haichieu.speech.pronunciations import Pronunciations, pronounced
from haichieu.speech.web_addresses import addresses_in_words

NO_ENTRIES: Pronunciations = {}
_PIECE = 180
"""The normaliser's expressions give up, with a panic, on long strings of figures."""
_FOREIGN = re.compile(r"<en>(.*?)</en>")
"""The normaliser marks what it takes for English."""
_FIGURE = re.compile(r"\d")
_MARKS = re.compile(r"</?en>|[<>]")
_HYPHEN = " gạch nối "
"""What the normaliser says for a hyphen within a name, as in "SARS-CoV-2"; nobody reads it aloud."""

_normalizer = Normalizer()


def read_aloud(text: str, language: str, dictionary: Pronunciations = NO_ENTRIES) -> str:
    """Return the text with everything written out that a synthesiser would spell or stumble over."""
    text = pronounced(unicodedata.normalize("NFC", text), dictionary)
    if language != "vi":
        return text
    return " ".join(_normalised(piece) for piece in textwrap.wrap(written_out(text), _PIECE))


def lines_joined(text: str, language: str) -> str:
    """Return a text whose lines may be joined: items of a list and headings end with a sign."""
    return lists_in_words(text) if language == "vi" else text


def text_as_read(text: str, language: str, dictionary: Pronunciations = NO_ENTRIES) -> str:
    """Return the words that a listener will hear, line by line, for a person to check before it is on air."""
    lines = (read_aloud(line, language, dictionary) for line in lines_joined(text, language).splitlines())
    return "\n".join(line for line in lines if line)


def written_out(text: str) -> str:
    """Return Vietnamese text without markup, its abbreviations and notations written out; numbers stay in figures."""
    return measures_in_words(
        in_words(periods_in_words(expanded(addresses_in_words(lists_in_words(without_markup(text))))))
    )


def _normalised(piece: str) -> str:
    try:
        said = str(_normalizer.normalize(piece))
    except BaseException as problem:
        # A panic of its Rust part is not an Exception; text that it cannot normalise is read figure by figure.
        if type(problem).__name__ != "PanicException":
            raise
        said = piece
    if _HYPHEN.strip() not in piece:
        said = said.replace(_HYPHEN, " ")
    said = _FOREIGN.sub(lambda found: _foreign(found[1]), said)
    said = _FIGURE.sub(lambda found: f" {by_digits(found[0])} ", said)
    return " ".join(_MARKS.sub(" ", said).split())


def _foreign(words: str) -> str:
    """Return foreign words without their mark; single letters by their Vietnamese names."""
    return " ".join(spelled(word) if len(word) == 1 else word for word in words.split())
