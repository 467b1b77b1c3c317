"""Suggestions of category and place from the citizen's words, with reasons that a person can judge.

A suggestion never overrides a person's choice; `feedback.intake.filing` decides what may be replaced.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from feedback.cases.word_matching import places_of
from feedback.models import Category
from haichieu.folded_text import words_of
from haichieu.people import Unit

LEVELS = (
    *("tỉnh", "thành phố", "huyện", "quận", "thị xã", "thị trấn", "xã", "phường", "đặc khu"),
    *("thôn", "xóm", "bản", "làng", "buôn", "ấp", "khu phố", "tổ dân phố"),
)
"""The words that can begin a unit's name."""

KEYWORDS, PLACE = "keywords", "place"
"""The kinds of suggestions; the words that led to one follow after a colon."""

_LEVELS = sorted((words_of(level) for level in LEVELS), key=len, reverse=True)


@dataclass(frozen=True)
class SuggestedCategory:
    """A category with the matching words, as stored in `Case.category_by`."""

    category: Category
    because: str


@dataclass(frozen=True)
class SuggestedUnit:
    """A unit with the matching place name, as stored in `Case.unit_by`."""

    unit: Unit
    because: str


@dataclass(frozen=True)
class _Mention:
    unit: Unit
    name: str
    start: int
    end: int
    score: int


def without_words(chosen_by: str) -> str:
    """Return who chose without the citizen's words in a suggestion: history and audit trail outlive their erasure."""
    kind, separator, _ = chosen_by.partition(": ")
    return kind if separator and kind in (KEYWORDS, PLACE) else chosen_by


def category_for(text: str, categories: Iterable[Category]) -> SuggestedCategory | None:
    """Return the category whose keywords match best; None when there is none or a tie.

    A keyword counts once, more with its diacritics than without, and more the more words it has.
    """
    words = words_of(text)
    scores: list[tuple[int, Category, list[str]]] = []
    for category in categories:
        fits = {keyword: _fit(words_of(keyword), words) for keyword in category.keywords}
        found = [keyword for keyword, fit in fits.items() if fit]
        if found:
            scores.append((sum(fits.values()), category, found))
    if not scores:
        return None
    best = max(score for score, _, _ in scores)
    winners = [(category, found) for score, category, found in scores if score == best]
    if len(winners) != 1:
        return None
    category, found = winners[0]
    return SuggestedCategory(category, f"{KEYWORDS}: {', '.join(found)}"[:200])


def unit_for(
    text: str, here: Unit, below: Sequence[Unit], formerly: Mapping[int, Sequence[str]] | None = None
) -> SuggestedUnit | None:
    """Return the unit below `here` that the text names; None when there is none or more than one.

    A village with its commune counts as the village. A name of one word needs its level ("xóm Ba"), and so does a name
    that `here` shares. `formerly` are former names by the id of their unit, which people still use.
    """
    words = words_of(text)
    names = {unit.id: (unit.name, *(formerly or {}).get(unit.id, ())) for unit in (here, *below)}
    mentions = _longest(
        [one for unit in (here, *below) for name in names[unit.id] for one in _mentions(unit, name, words)]
    )
    named = {mention.unit.id: mention.unit for mention in mentions}
    for start in {mention.start for mention in mentions}:
        if len({mention.unit.id for mention in mentions if mention.start == start}) > 1:
            return None
    named.pop(here.id, None)
    above = {unit.id: unit.parent_id for unit in below}
    for unit in list(named.values()):
        parent = above.get(unit.id)
        while parent is not None:
            named.pop(parent, None)
            parent = above.get(parent)
    if len(named) != 1:
        return None
    unit = next(iter(named.values()))
    said = max((one for one in mentions if one.unit.id == unit.id), key=lambda one: one.score).name
    _, name = _parts(said)
    return SuggestedUnit(unit, f"{PLACE}: {' '.join(said.split()[-len(name) :])}"[:200])


def _fit(phrase: list[str], words: list[str]) -> int:
    return max((likeness for _, likeness in places_of(phrase, words)), default=0) * len(phrase)


def _parts(named: str) -> tuple[list[str], list[str]]:
    """Return the level and the proper name of a unit, as words."""
    words = words_of(named)
    for level in _LEVELS:
        if words[: len(level)] == level and len(words) > len(level):
            return level, words[len(level) :]
    return [], words


def _mentions(unit: Unit, named: str, words: list[str]) -> list[_Mention]:
    level, name = _parts(named)
    forms = [level + name] if level else []
    if len(name) > 1:
        forms.append(name)
    return [
        _Mention(unit, named, start + len(form) - len(name), start + len(form), likeness + len(form))
        for form in forms
        for start, likeness in places_of(form, words)
    ]


def _longest(mentions: list[_Mention]) -> list[_Mention]:
    """Drop mentions inside a better one: "Bảo Lạc" within "thị trấn Bảo Lạc"."""
    return [
        one
        for one in mentions
        if not any(
            other.start <= one.start and one.end <= other.end and (other.score, other.end) > (one.score, one.end)
            for other in mentions
        )
    ]
