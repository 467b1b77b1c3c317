"""Matching of whole words and phrases in citizens' messages, with and without diacritics."""

from collections.abc import Sequence

from haichieu.folded_text import folded, without_tones

EXACT, TONE, BARE = 4, 3, 2
"""Quality of a match: exact; another tone; typed without diacritics."""


def likeness(said: str, meant: str) -> int:
    """Return how well a word matches another, 0 for not at all.

    Different vowels make another word ("có" is not "cô"), because recognition gets tones wrong.
    """
    if said == meant:
        return EXACT
    if without_tones(said) == without_tones(meant):
        return TONE
    return BARE if said == folded(meant) else 0


def places_of(phrase: Sequence[str], words: Sequence[str]) -> list[tuple[int, int]]:
    """Return the positions of a phrase in `words`, each with the worst match of its words."""
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
