"""List and map of speakers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from admin.access.visitors import Visitor
from admin.search.matching import Typed
from admin.search.names import speakers_named
from broadcast_bridge.models import Speaker
from haichieu.people import Unit, units_under

A_PAGE = 50
MOST_ON_MAP = 2000
COLOURS = 8
DOT, LETTER, LINE, LINE_BELOW, LINE_ABOVE, LONGEST_NAME = 11, 8, 19, 22, 21, 24
"""Sizes on the map: half a dot, letter width, line height, offsets of a name; and the length limit of names."""


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


@dataclass(frozen=True)
class Dot:
    """A speaker on the map, with the colour of its unit and the height of its name, if there is room."""

    speaker: Speaker
    x: float
    y: float
    colour: int
    name_at: float | None


def standing(speaker: Speaker) -> Standing:
    """Return the connection state of a speaker."""
    if speaker.removed_at is not None:
        return Standing.OUT_OF_USE
    if speaker.is_multicast:
        return Standing.MULTICAST
    if speaker.reachable:
        return Standing.REACHABLE
    return Standing.AWAY if speaker.reachable_since else Standing.NEVER_SEEN


def find_speakers(session: Session, visitor: Visitor, wanted: Filter, after: str = "") -> tuple[Sequence[Speaker], str]:
    """Return one page of the list by code, and where the next begins ("" on the last page)."""
    query = _query(session, visitor, wanted).order_by(Speaker.code).limit(A_PAGE + 1)
    found = session.scalars(query.where(Speaker.code > after) if after else query).all()
    return found[:A_PAGE], found[A_PAGE - 1].code if len(found) > A_PAGE else ""


def count_speakers(session: Session, visitor: Visitor, wanted: Filter) -> int:
    """Return the number of speakers on all pages."""
    return session.scalars(sa.select(sa.func.count()).select_from(_query(session, visitor, wanted).subquery())).one()


def dots(session: Session, visitor: Visitor, wanted: Filter) -> list[Dot]:
    """Return the speakers with a position, on a plane of 1000 × 600 with north at the top."""
    placed = session.scalars(
        _query(session, visitor, wanted)
        .where(Speaker.latitude.is_not(None), Speaker.longitude.is_not(None))
        .order_by(Speaker.code)
        .limit(MOST_ON_MAP)
    ).all()
    if not placed:
        return []
    places = [(speaker.longitude or 0.0, speaker.latitude or 0.0) for speaker in placed]
    middle = sum(y for _, y in places) / len(places)
    squeeze = max(math.cos(math.radians(middle)), 0.01)  # a degree of longitude is shorter than one of latitude
    xs, ys = [x * squeeze for x, _ in places], [y for _, y in places]
    scale = min(920 / max(max(xs) - min(xs), 1e-4), 520 / max(max(ys) - min(ys), 1e-4))
    left, top = (1000 - (max(xs) + min(xs)) * scale) / 2, (600 + (max(ys) + min(ys)) * scale) / 2
    colours = {unit: number % COLOURS for number, unit in enumerate(sorted({one.unit_id for one in placed}))}
    points = [(round(left + x * scale, 1), round(top - y * scale, 1)) for x, y in zip(xs, ys, strict=True)]
    lines = _places_of_names([len(speaker.name) for speaker in placed], points)
    return [
        Dot(speaker, x, y, colours[speaker.unit_id], line)
        for speaker, (x, y), line in zip(placed, points, lines, strict=True)
    ]


def _places_of_names(lengths: Sequence[int], points: Sequence[tuple[float, float]]) -> list[float | None]:
    """Return the height of each name: below its dot, else above, else None, so that names do not overlap."""
    taken: list[tuple[float, float, float]] = [(x, y, DOT) for x, y in points]
    found: list[float | None] = []
    for length, (x, y) in zip(lengths, points, strict=True):
        half = min(length, LONGEST_NAME) * LETTER / 2
        lines = (y + LINE_BELOW, y - LINE_ABOVE)
        free = [
            line
            for line in lines
            if all(abs(x - other) >= half + wide or abs(line - level) >= LINE for other, level, wide in taken)
        ]
        found.append(free[0] if free else None)
        taken.extend((x, line, half) for line in free[:1])
    return found


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
