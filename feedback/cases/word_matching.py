"""Whole words and phrases found in what citizens say, with and without diacritics, and how well they fit."""

from collections.abc import Sequence

from haichieu.folded_text import folded, without_tones

EXACT, TONE, BARE = 4, 3, 2
"""How well one word fits: as it is written; with another tone; typed without any diacritics."""


def likeness(said: str, meant: str) -> int:
    """Say how well a word fits another, 0 for not at all.

    A word that bears diacritics is another word when its vowels differ ("có" is not "cô"): recognition errs in tones.
    """
    if said == meant:
        return EXACT
    if without_tones(said) == without_tones(meant):
        return TONE
    return BARE if said == folded(meant) else 0


def places_of(phrase: Sequence[str], words: Sequence[str]) -> list[tuple[int, int]]:
    """Return where a phrase begins in `words`, with the worst likeness of its words each time."""
    if not phrase:
        return []
    found = []
    for start in range(len(words) - len(phrase) + 1):
        worst = EXACT
        for offset, meant in enumerate(phrase):
            worst = min(worst, likeness(words[start + offset], meant))
            if not worst:
                break
        if worst:
            found.append((start, worst))
    return found
