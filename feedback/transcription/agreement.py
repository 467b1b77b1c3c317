"""Agreement of several hearings of one sound, aligned word by word: the words, and which of them can be trusted.

One engine hears the same sound several times, each time changed a little: what it understands the same way every time
is nearly always right. The second engine decides where the hearings differ, and gives the times.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from feedback.transcription.engine import Word

AGREED, STEADY, UNSTEADY = 0.95, 0.75, 0.3
"""Certainty of a word that both engines heard, that one heard every time, and that it heard differently."""
SURE = 0.6
"""The second engine's certainty of a word that the first one never heard, for the place to be doubtful."""
Item = TypeVar("Item")
_SIGNS = re.compile(r"^\W+|\W+$")


@dataclass(frozen=True)
class Agreed:
    """The words of a sound, and whether a person should listen to it."""

    words: tuple[Word, ...]
    doubtful: bool


def agreed(hearings: Sequence[Sequence[str]], second: Sequence[Word], seconds: float) -> Agreed:
    """Return the words of the first hearing, corrected where another hearing and the second engine agree.

    `hearings` are of one engine, in small letters; `second` are the words of the other engine with their times.
    """
    first = list(hearings[0])
    others = [_slots(first, hearing, hearing) for hearing in hearings[1:]]
    second_words = [plain(word.text) for word in second]
    second_slots = _slots(first, second_words, second_words)
    places = _slots(first, second_words, second)
    words: list[Word] = []
    doubtful = False
    for slot in range(2 * len(first) + 1):
        own: tuple[str, ...] = (first[slot // 2],) if slot % 2 else ()
        heard = [hearing[slot] for hearing in others]
        chosen = own
        if second_slots[slot] and second_slots[slot] != own and heard.count(second_slots[slot]) * 2 > len(heard) - 1:
            chosen = second_slots[slot]
        steady = all(one == own for one in heard)
        agrees = chosen == second_slots[slot]
        certainty = AGREED if agrees and (steady or chosen in heard) else STEADY if steady else UNSTEADY
        missed = not own and any(word.probability >= SURE for word in places[slot]) and not chosen
        doubtful |= missed or (certainty == UNSTEADY and bool(chosen or any(heard)))
        words += _timed(chosen, places[slot], certainty)
    return Agreed(_with_times(words, seconds), doubtful)


def aligned(first: Sequence[str], other: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Return pairs of positions with the fewest changes; None marks a word that the other side lacks."""
    rows, columns = len(first) + 1, len(other) + 1
    cost = [[0] * columns for _ in range(rows)]
    for i in range(rows):
        for j in range(columns):
            if not i or not j:
                cost[i][j] = 2 * (i + j)
                continue
            same = 0 if first[i - 1] == other[j - 1] else 3
            cost[i][j] = min(cost[i - 1][j - 1] + same, cost[i - 1][j] + 2, cost[i][j - 1] + 2)
    pairs: list[tuple[int | None, int | None]] = []
    i, j = rows - 1, columns - 1
    while i or j:
        same = 0 if i and j and first[i - 1] == other[j - 1] else 3
        if i and j and cost[i][j] == cost[i - 1][j - 1] + same:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and cost[i][j] == cost[i - 1][j] + 2:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]


def plain(word: str) -> str:
    """Return a word as it is compared: in small letters, without signs around it."""
    return _SIGNS.sub("", word.lower())


def _slots(first: Sequence[str], other: Sequence[str], items: Sequence[Item]) -> list[tuple[Item, ...]]:
    """Return the items of another hearing by places of the first: before word n at 2n, at word n at 2n + 1."""
    slots: list[tuple[Item, ...]] = [()] * (2 * len(first) + 1)
    at = 0
    for own, their in aligned(first, other):
        if own is None and their is not None:
            slots[2 * at] = (*slots[2 * at], items[their])
        elif own is not None:
            at = own + 1
            if their is not None:
                slots[2 * own + 1] = (items[their],)
    return slots


def _timed(chosen: Sequence[str], places: Sequence[Word], certainty: float) -> list[Word]:
    """Return words with the second engine's times and, where it heard the same, its capitals and signs."""
    same = [plain(word.text) for word in places] == list(chosen)
    if same:
        return [replace(word, probability=certainty) for word in places]
    if not places:
        return [Word(word, -1.0, -1.0, certainty) for word in chosen]
    return [Word(word, places[0].begin, places[-1].end, certainty) for word in chosen]


def _with_times(words: list[Word], seconds: float) -> tuple[Word, ...]:
    """Return the words with times for those that only one engine heard: between their neighbours."""
    timed: list[Word] = []
    for at, word in enumerate(words):
        if word.begin < 0:
            before = timed[-1].end if timed else 0.0
            ahead = next((one.begin for one in words[at:] if one.begin >= 0), seconds)
            unknown = next((n for n, one in enumerate(words[at:]) if one.begin >= 0), len(words) - at)
            word = replace(word, begin=before, end=before + max(ahead - before, 0.0) / unknown)
        timed.append(word)
    return tuple(timed)
