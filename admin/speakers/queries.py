"""Queries of the list and the map of speakers."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session, joinedload

from admin.access.visitors import Visitor
from admin.search.matching import Typed
from admin.search.names import speakers_named
from broadcast_bridge.models import Speaker
from broadcast_bridge.schedule.states import reason_message
from broadcast_bridge.speakers.quiet_hours import silence_rules
from haichieu.locale import Message, message
from haichieu.people import Unit, units_under

A_PAGE = 50
MOST_ON_MAP = 2000


class Standing(StrEnum):
    """Connection state of a speaker, for the filter and its mark."""

    REACHABLE = "reachable"
    AWAY = "away"
    MULTICAST = "multicast"
    NEVER_SEEN = "never_seen"
    OUT_OF_USE = "out_of_use"


_WHERE = {
    Standing.REACHABLE: sa.and_(Speaker.removed_at.is_(None), Speaker.reachable, Speaker.multicast == ""),
    Standing.AWAY: sa.and_(
        Speaker.removed_at.is_(None), ~Speaker.reachable, Speaker.multicast == "", Speaker.reachable_since.is_not(None)
    ),
    Standing.MULTICAST: sa.and_(Speaker.removed_at.is_(None), Speaker.multicast != ""),
    Standing.NEVER_SEEN: sa.and_(
        Speaker.removed_at.is_(None), ~Speaker.reachable, Speaker.multicast == "", Speaker.reachable_since.is_(None)
    ),
    Standing.OUT_OF_USE: Speaker.removed_at.is_not(None),
}


@dataclass(frozen=True)
class Filter:
    """The filter of the list in the address."""

    unit: str = ""
    state: str = ""
    words: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """The non-empty query parameters."""
        return {name: value for name, value in (("unit", self.unit), ("state", self.state), ("q", self.words)) if value}


def filter_asked() -> Filter:
    """Return the filter in the address of this request."""
    return Filter(*(request.args.get(name, "").strip()[:100] for name in ("unit", "state", "q")))


def standing(speaker: Speaker) -> Standing:
    """Return the connection state of a speaker."""
    if speaker.removed_at is not None:
        return Standing.OUT_OF_USE
    if speaker.is_multicast:
        return Standing.MULTICAST
    if speaker.reachable:
        return Standing.REACHABLE
    return Standing.AWAY if speaker.reachable_since else Standing.NEVER_SEEN


def why_silent(session: Session, speakers: Collection[Speaker], at: datetime.datetime) -> Mapping[int, Message]:
    """Return why speakers play nothing but emergencies now, by id: a muted zone and until when, or quiet hours."""
    rules = silence_rules(session, {one.id: one.unit_id for one in speakers})
    found: dict[int, Message] = {}
    for one in speakers:
        muted_until = rules.muted_until[one.id]
        if muted_until is not None and muted_until > at:
            found[one.id] = message("panel.speakers.muted_until", until=muted_until)
        elif (reason := rules.of(one.id, at)) is not None:
            found[one.id] = reason_message(reason)
    return found


def find_speakers(session: Session, visitor: Visitor, wanted: Filter, after: str = "") -> tuple[Sequence[Speaker], str]:
    """Return one page of the list by code, and where the next begins ("" on the last page)."""
    query = _query(session, visitor, wanted).order_by(Speaker.code).limit(A_PAGE + 1)
    found = session.scalars(query.where(Speaker.code > after) if after else query).all()
    return found[:A_PAGE], found[A_PAGE - 1].code if len(found) > A_PAGE else ""


def count_speakers(session: Session, visitor: Visitor, wanted: Filter) -> int:
    """Return the number of speakers on all pages."""
    return session.scalars(sa.select(sa.func.count()).select_from(_query(session, visitor, wanted).subquery())).one()


def speakers_with_position(session: Session, visitor: Visitor, wanted: Filter) -> Sequence[Speaker]:
    """Return the speakers for the map."""
    placed = Speaker.latitude.is_not(None), Speaker.longitude.is_not(None)
    query = _query(session, visitor, wanted).where(*placed).order_by(Speaker.code).limit(MOST_ON_MAP)
    return session.scalars(query).all()


def _query(session: Session, visitor: Visitor, wanted: Filter) -> sa.Select[Speaker]:
    query = sa.select(Speaker).where(Speaker.unit_id.in_(visitor.units)).options(joinedload(Speaker.unit))
    if wanted.unit:
        unit = session.scalar(sa.select(Unit.id).where(Unit.code == wanted.unit))
        query = query.where(Speaker.unit_id.in_(units_under(session, [unit] if unit else [])))
    if wanted.state in list(Standing):
        query = query.where(_WHERE[Standing(wanted.state)])
    else:
        query = query.where(Speaker.removed_at.is_(None))
    if wanted.words:
        named = speakers_named(session, visitor.units, Typed(wanted.words))
        query = query.where(Speaker.id.in_([row.id for row in named]))
    return query
