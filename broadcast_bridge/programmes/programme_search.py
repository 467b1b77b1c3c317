"""Search for programmes, with and without diacritics, since typing often lacks them and transcripts get them wrong."""

import datetime
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from haichieu.folded_text import folded
from haichieu.people import units_under

PAGE = 50


@dataclass(frozen=True)
class Wanted:
    """The search criteria; empty ones match everything. `unit_ids` includes all units below."""

    words: str = ""
    unit_ids: Collection[int] = ()
    states: Collection[ProgrammeState] = ()
    category: str = ""
    language: str = ""
    valid_at: datetime.datetime | None = None


def index(programme: Programme) -> None:
    """Update the search text of a programme; call it whenever its words change."""
    parts: Iterable[str] = (programme.title, programme.category, *programme.tags, programme.text)
    programme.search_text = folded(" ".join(parts))


def find(session: Session, wanted: Wanted, page: int = 0) -> tuple[list[Programme], int]:
    """Return one page of programmes, the newest first, and the total number.

    Every word must be found; a word with diacritics also matches text without them.
    """
    query = sa.select(Programme)
    for word in folded(wanted.words).split():
        query = query.where(Programme.search_text.contains(word, autoescape=True))
    if wanted.unit_ids:
        query = query.where(Programme.unit_id.in_(units_under(session, wanted.unit_ids)))
    if wanted.states:
        query = query.where(Programme.state.in_([str(state) for state in wanted.states]))
    if wanted.category:
        query = query.where(Programme.category == wanted.category)
    if wanted.language:
        query = query.where(Programme.language == wanted.language)
    if wanted.valid_at is not None:
        query = query.where(Programme.valid_until.is_(None) | (Programme.valid_until > wanted.valid_at))
    total = session.scalars(sa.select(sa.func.count()).select_from(query.subquery())).one()
    newest = query.order_by(Programme.created_at.desc(), Programme.id.desc())
    return list(session.scalars(newest.limit(PAGE).offset(page * PAGE))), total
