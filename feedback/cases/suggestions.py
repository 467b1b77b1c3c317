"""What a case is about and where, guessed from the citizen's words; and why, so that a person can judge the guess.

A guess never overrides a choice: who may be overridden is decided in `feedback.intake.filing`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from feedback.cases.word_matching import places_of
from feedback.models import Category
from haichieu.folded_text import words_of
from haichieu.people import Unit

LEVELS = (
    *("tỉnh", "thành phố", "huyện", "quận", "thị xã", "thị trấn", "xã", "phường"),
    *("thôn", "xóm", "bản", "làng", "buôn", "ấp", "khu phố", "tổ dân phố"),
)
"""The words that a unit's name may begin with."""

_LEVELS = sorted((words_of(level) for level in LEVELS), key=len, reverse=True)


@dataclass(frozen=True)
class SuggestedCategory:
    """A category and the words that speak for it, as `Case.category_by` says it."""

    category: Category
    because: str


@dataclass(frozen=True)
class SuggestedUnit:
    """A unit and the place name that speaks for it, as `Case.unit_by` says it."""

    unit: Unit
    because: str


@dataclass(frozen=True)
class _Mention:
    unit: Unit
    start: int
    end: int
    score: int


def category_for(text: str, categories: Iterable[Category]) -> SuggestedCategory | None:
    """Return the category whose keywords fit the text best, None when none or several do.

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
    return SuggestedCategory(category, f"keywords: {', '.join(found)}"[:200])


def unit_for(text: str, here: Unit, below: Sequence[Unit]) -> SuggestedUnit | None:
    """Return the unit below `here` whose place the text names, None when none or several fit.

    A village with its commune is one place, the village. A name of one word counts with its level alone ("xóm Ba"),
    and a name that `here` bears as well means nothing unless the level is said.
    """
    words = words_of(text)
    mentions = _longest([mention for unit in (here, *below) for mention in _mentions(unit, words)])
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
    _, name = _parts(unit)
    return SuggestedUnit(unit, f"place: {' '.join(unit.name.split()[-len(name) :])}"[:200])


def _fit(phrase: list[str], words: list[str]) -> int:
    return max((likeness for _, likeness in places_of(phrase, words)), default=0) * len(phrase)


def _parts(unit: Unit) -> tuple[list[str], list[str]]:
    """The level and the name proper of a unit, as words."""
    words = words_of(unit.name)
    for level in _LEVELS:
        if words[: len(level)] == level and len(words) > len(level):
            return level, words[len(level) :]
    return [], words


def _mentions(unit: Unit, words: list[str]) -> list[_Mention]:
    level, name = _parts(unit)
    forms = [level + name] if level else []
    if len(name) > 1:
        forms.append(name)
    return [
        _Mention(unit, start + len(form) - len(name), start + len(form), likeness + len(form))
        for form in forms
        for start, likeness in places_of(form, words)
    ]


def _longest(mentions: list[_Mention]) -> list[_Mention]:
    """Leave out what lies within a better mention: "Bảo Lạc" within "thị trấn Bảo Lạc"."""
    return [
        one
        for one in mentions
        if not any(
            other.start <= one.start and one.end <= other.end and (other.score, other.end) > (one.score, one.end)
            for other in mentions
        )
    ]
