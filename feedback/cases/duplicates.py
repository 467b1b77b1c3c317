"""Likely duplicates: cases that share words are linked for a person to merge or dismiss."""

import datetime
import itertools
import math
from collections import Counter

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.cases.case_search import NOT_MERGED
from feedback.models import Case, CaseLink
from haichieu.folded_text import folded, spelled_words, words_of
from haichieu.people import units_above, units_under

WINDOW = datetime.timedelta(days=30)
MOST_COMPARED = 300
"""Only the newest cases of the same units are compared, up to this number."""
MOST_LINKS = 3
LIKELY = 0.45
FEWEST_WORDS = 3
"""Shorter texts are not compared."""
MOST_PHRASES = 4
"""Shared phrases that are shown."""


def likeness(one: str, other: str) -> float:
    """Compare two folded texts, 0 to 1: cosine similarity over words and pairs of words, where pairs count double."""
    mine, theirs = _shingles(one), _shingles(other)
    product = sum(count * theirs[shingle] for shingle, count in mine.items())
    size = math.sqrt(sum(count**2 for count in mine.values()) * sum(count**2 for count in theirs.values()))
    return product / size if size else 0.0


def shared_phrases(one: str, other: str) -> list[str]:
    """Return the longest phrases of two or more words that both texts have, as `one` writes them, the longest first.

    Case and diacritics do not matter, since people omit them.
    """
    words = spelled_words(one)
    plain = [folded(word) for word in words]
    theirs = set(itertools.pairwise(words_of(folded(other))))
    phrases: dict[str, list[str]] = {}
    begin = 0
    for place in range(1, len(words) + 1):
        if place < len(words) and (plain[place - 1], plain[place]) in theirs:
            continue
        if place - begin > 1:
            phrases.setdefault(" ".join(plain[begin:place]), words[begin:place])
        begin = place
    found = sorted(phrases.values(), key=len, reverse=True)
    return [" ".join(phrase) for phrase in found[:MOST_PHRASES]]


def link(session: Session, case: Case) -> list[CaseLink]:
    """Link a case to its likely duplicates; existing links do not change."""
    text = _plain(case)
    if len(words_of(text)) < FEWEST_WORDS:
        return []
    known = set(session.scalars(sa.select(CaseLink.other_id).where(CaseLink.case_id == case.id)))
    known |= set(session.scalars(sa.select(CaseLink.case_id).where(CaseLink.other_id == case.id)))
    scored = [(likeness(text, _plain(other)), other) for other in _candidates(session, case)]
    likely = sorted(
        ((alike, other) for alike, other in scored if alike >= LIKELY and other.id not in known),
        key=lambda pair: -pair[0],
    )
    links = [
        CaseLink(
            case_id=case.id,
            other_id=other.id,
            score=round(alike, 3),
        )
        for alike, other in likely[: max(MOST_LINKS - len(known), 0)]
    ]
    session.add_all(links)
    session.flush()
    return links


def links_of(session: Session, case: Case) -> list[CaseLink]:
    """Return the links of a case in both directions that were not dismissed, the likeliest first."""
    either = sa.or_(CaseLink.case_id == case.id, CaseLink.other_id == case.id)
    query = sa.select(CaseLink).where(either, CaseLink.dismissed.is_(False)).order_by(CaseLink.score.desc())
    return list(session.scalars(query))


def _candidates(session: Session, case: Case) -> list[Case]:
    """Return the newest cases of the same place and time that were not merged themselves."""
    units = units_under(session, [case.unit_id]) | set(units_above(session, case.unit_id))
    query = (
        sa.select(Case)
        .where(
            Case.unit_id.in_(units),
            Case.opened_at.between(case.opened_at - WINDOW, case.opened_at + WINDOW),
            Case.id != case.id,
            NOT_MERGED,
            Case.search_text != "",
        )
        .order_by(Case.opened_at.desc(), Case.id.desc())
        .limit(MOST_COMPARED)
    )
    return list(session.scalars(query))


def _plain(case: Case) -> str:
    """Return the search text without the case number at its beginning."""
    return folded(case.search_text.removeprefix(case.number))


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = words_of(text)
    shingles: Counter[tuple[str, ...]] = Counter()
    for word in words:
        shingles[(word,)] += 1
    for pair in itertools.pairwise(words):
        shingles[pair] += 2
    return shingles
