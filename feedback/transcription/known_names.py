"""Repair of transcripts by names that the station knows: its units, zones, officials, and words corrected by a person.

Only doubtful words are replaced, and only by a name that sounds nearly the same; a trusted word is never touched.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace

from feedback.transcription.agreement import plain
from feedback.transcription.confidence import LOW_CONFIDENCE
from feedback.transcription.engine import Word

LONGEST_NAME = 6
"""Syllables."""
_KIND = re.compile(r"^(?:tỉnh|huyện|xã|phường|đặc khu|thị trấn|thôn|bản|xóm|ấp|làng|tổ|khu|cụm|loa) ", re.IGNORECASE)
_ALIKE = (
    (r"^(?:d|gi|r)(?=[aeiouy])", "z"),
    (r"^(?:ch|tr)", "c"),
    (r"^x", "s"),
    (r"^ngh", "ng"),
    (r"^gh", "g"),
    (r"^(?:k|qu|c)(?=[aeiouy])", "k"),
    (r"^n(?!g)", "l"),
    (r"(?:nh|ng)$", "n"),
    (r"(?:ch|c)$", "t"),
    (r"y", "i"),
)


def sound_of(syllable: str) -> str:
    """Return a syllable as people confuse it on the telephone: without tone, with similar consonants as one."""
    letters = unicodedata.normalize("NFD", syllable.lower().replace("đ", "dd"))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    for pattern, one in _ALIKE:
        bare = re.sub(pattern, one, bare)
    return bare


def repaired(words: Sequence[Word], names: Iterable[str]) -> tuple[Word, ...]:
    """Return the words with names in the place of doubtful words that sound nearly the same; they stay doubtful."""
    found = list(words)
    phrases = sorted({tuple(name.split()) for name in names}, key=lambda name: (-len(name), name))
    for phrase in phrases:
        if not 2 <= len(phrase) <= LONGEST_NAME:
            continue  # one syllable sounds like too many words
        sounds = [sound_of(part) for part in phrase]
        for begin in range(len(found) - len(phrase) + 1):
            span = found[begin : begin + len(phrase)]
            if _is_meant(span, phrase, sounds):
                found[begin : begin + len(phrase)] = [
                    replace(word, text=part + _mark(word)) for word, part in zip(span, phrase, strict=True)
                ]
    return tuple(found)


def place_name(name: str) -> str:
    """Return the name of a place without its kind, as people often say it: "Cô Ba" of "Xã Cô Ba"."""
    return _KIND.sub("", name)


def corrected_names(original: str, corrected: str) -> list[str]:
    """Return the names that a person put into a transcript: capital words in the place of as many others."""
    before, after = original.split(), corrected.split()
    matcher = difflib.SequenceMatcher(None, [_bare(word) for word in before], [_bare(word) for word in after])
    names = []
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind != "replace" or last - first != end - begin:
            continue
        while begin > 0 and after[begin - 1][:1].isupper():
            begin -= 1
        while end < len(after) and after[end][:1].isupper():
            end += 1
        name = [_bare(word) for word in after[begin:end]]
        if len(name) >= 2 and all(word[:1].isupper() for word in name):
            names.append(" ".join(name))
    return names


def _is_meant(span: Sequence[Word], phrase: Sequence[str], sounds: Sequence[str]) -> bool:
    """Return whether a name was meant: every word is the same, or doubtful and nearly the same."""
    differs = False
    for word, part, sound in zip(span, phrase, sounds, strict=True):
        if plain(word.text) == part.lower():
            continue
        if word.probability >= LOW_CONFIDENCE or sound_of(plain(word.text)) != sound:
            return False
        differs = True
    return differs


def _bare(word: str) -> str:
    return re.sub(r"^\W+|\W+$", "", word)


def _mark(word: Word) -> str:
    return word.text[len(word.text.rstrip(".,?!")) :]
