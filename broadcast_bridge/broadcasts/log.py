"""Search in the log of broadcasts by day, place, state, kind, priority and words, page by page."""

import datetime
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from broadcast_bridge.broadcasts.broadcast_reports import HEARD, filed_at
from broadcast_bridge.broadcasts.states import BroadcastState, Kind, Priority
from broadcast_bridge.models import Broadcast, Delivery, FormerSpeakerUnit, Speaker
from haichieu.folded_text import folded
from haichieu.people import Official

PAGE = 50
MOST_WORDS = 8


@dataclass(frozen=True)
class Wanted:
    """The search criteria; None and empty match everything. `zone` is a code; `unit_ids` are where it was heard.

    `since` is inclusive, `until` exclusive.
    """

    words: str = ""
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    unit_ids: Collection[int] | None = None
    zone: str = ""
    state: BroadcastState | None = None
    kind: Kind | None = None
    priority: Priority | None = None


@dataclass(frozen=True)
class Logged:
    """A broadcast, with the number of its speakers and of those that heard it."""

    broadcast: Broadcast
    when: datetime.datetime
    speakers: int
    heard: int


@dataclass(frozen=True)
class LogPage:
    """A page of the log, the newest first; `before` requests the next page and is None on the last."""

    items: Sequence[Logged] = field(default_factory=tuple)
    before: int | None = None


def find(
    session: Session, wanted: Wanted, seen: sa.ColumnElement[bool], before: int | None = None, most: int = PAGE
) -> LogPage:
    """Return a page of wanted broadcasts, those that precede `before`; `seen` limits it to what may be seen."""
    query = sa.select(Broadcast).where(seen, *_conditions(session, wanted)).options(joinedload(Broadcast.official))
    if before is not None:
        query = query.where(Broadcast.id < before)
    found = session.scalars(query.order_by(Broadcast.id.desc()).limit(most + 1)).all()
    shown = found[:most]
    counts = _heard(session, [one.id for one in shown])
    items = [Logged(one, when(one), *counts.get(one.id, (0, 0))) for one in shown]
    return LogPage(items, shown[-1].id if len(found) > most else None)


def when(broadcast: Broadcast) -> datetime.datetime:
    """Return the time under which a broadcast is filed: when it went on air, or should have."""
    return broadcast.on_air_at or broadcast.due_at or broadcast.created_at


def _heard(session: Session, numbers: Collection[int]) -> dict[int, tuple[int, int]]:
    return {
        number: (total, heard)
        for number, total, heard in session.execute(
            sa.select(Delivery.broadcast_id, sa.func.count(), sa.func.count().filter(Delivery.state.in_(HEARD)))
            .where(Delivery.broadcast_id.in_(numbers))
            .group_by(Delivery.broadcast_id)
        )
    }


def _conditions(session: Session, wanted: Wanted) -> Iterable[sa.ColumnElement[bool]]:
    moment = sa.func.coalesce(
        filed_at(), Broadcast.created_at
    )  # keep the order of the page: do not use the index on days
    if wanted.since is not None:
        yield moment >= wanted.since
    if wanted.until is not None:
        yield moment < wanted.until
    if wanted.zone:
        yield sa.cast(Broadcast.zone_codes, sa.Text).contains(f'"{wanted.zone}"', autoescape=True)
    for column, value in (
        (Broadcast.state, wanted.state),
        (Broadcast.kind, wanted.kind),
        (Broadcast.priority, wanted.priority),
    ):
        if value is not None:
            yield column == value
    if wanted.unit_ids is not None:
        yield _heard_in(session, wanted.unit_ids)
    yield from _with_words(session, folded(wanted.words).split()[:MOST_WORDS])


def _heard_in(session: Session, unit_ids: Collection[int]) -> sa.ColumnElement[bool]:
    """Require a speaker that belongs to the units, or belonged to them at the time."""
    speakers = sa.select(Speaker.id).where(Speaker.unit_id.in_(unit_ids))
    heard = sa.exists().where(Delivery.broadcast_id == Broadcast.id, Delivery.speaker_id.in_(speakers))
    former = FormerSpeakerUnit
    if session.scalar(sa.select(former.id).where(former.unit_id.in_(unit_ids)).limit(1)) is None:
        return heard
    began = filed_at()
    return heard | sa.exists().where(
        Delivery.broadcast_id == Broadcast.id,
        Delivery.speaker_id == former.speaker_id,
        former.unit_id.in_(unit_ids),
        former.until > began,
        former.since.is_(None) | (former.since <= began),
    )


def _with_words(session: Session, words: Sequence[str]) -> Iterable[sa.ColumnElement[bool]]:
    """Require every word in the title, the zones or the name of the speaker."""
    names: Sequence[tuple[int, str]] = ()
    if words:
        rows: Iterable[Any] = session.execute(sa.select(Official.id, Official.name))
        names = [(number, folded(name)) for number, name in rows]
    for word in words:
        speaking = [number for number, name in names if word in name]
        yield sa.or_(Broadcast.search_text.contains(word, autoescape=True), Broadcast.official_id.in_(speaking))
