"""Layout of the map: positions on a plane, speakers that are close as one group, names where there is room.

A template draws it as SVG, so it needs no script and no map service.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from admin.speakers.map_outline import Ring
from admin.speakers.queries import Standing, standing
from broadcast_bridge.models import Speaker

WIDTH, HEIGHT, MARGIN = 1000, 600, 40
APART = 30
"""Marks that are closer than this become one group."""
FINEST = 1.5
"""Points of the outline that are closer than this to the one before are left out."""
SMALLEST_BOX = 0.0005
"""Degrees. A group in a smaller area cannot be drawn apart."""
DOT, LETTER, LINE, LINE_BELOW, LINE_ABOVE, LONGEST_NAME = 12, 9, 19, 27, 24, 24
"""Sizes: half a mark, letter width, line height, offsets of a name; and the length limit of names."""
WORST_FIRST = (
    Standing.AWAY,
    Standing.NEVER_SEEN,
    Standing.REACHABLE,
    Standing.MULTICAST,
    Standing.OUT_OF_USE,
)


class Box(NamedTuple):
    """An area in degrees."""

    west: float
    south: float
    east: float
    north: float

    def has(self, x: float, y: float) -> bool:
        """Return whether a position is inside."""
        return self.west <= x <= self.east and self.south <= y <= self.north

    def __str__(self) -> str:
        return ",".join(f"{one:.5f}" for one in self)


@dataclass(frozen=True)
class Mark:
    """One speaker or a group of speakers on the map, with the height of its name, if there is room.

    `state` is the worst of the group; `box` is its area, None where it cannot be drawn apart.
    """

    speakers: Sequence[Speaker]
    x: float
    y: float
    state: Standing
    counts: Sequence[tuple[Standing, int]]
    box: Box | None
    name_at: float | None = None


@dataclass(frozen=True)
class Drawing:
    """The marks and the outline as one SVG path; `counts` are the speakers by state, the worst first."""

    marks: Sequence[Mark]
    outline: str
    counts: Sequence[tuple[Standing, int]]


class _Plane:
    """A projection that fills the drawing with a box, north at the top; it preserves shapes near its middle."""

    def __init__(self, box: Box) -> None:
        middle = (box.south + box.north) / 2
        self._squeeze = max(math.cos(math.radians(middle)), 0.01)  # a degree of longitude is shorter than of latitude
        west, east = box.west * self._squeeze, box.east * self._squeeze
        self._scale = min(
            (WIDTH - 2 * MARGIN) / max(east - west, 1e-4), (HEIGHT - 2 * MARGIN) / max(box.north - box.south, 1e-4)
        )
        self._left = (WIDTH - (east + west) * self._scale) / 2
        self._top = (HEIGHT + (box.north + box.south) * self._scale) / 2

    def at(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return the place of a position on the drawing."""
        x, y = self._left + longitude * self._squeeze * self._scale, self._top - latitude * self._scale
        return round(x, 1), round(y, 1)


def box_of(text: str) -> Box | None:
    """Return the area in an address; None for none, or for one that is no area."""
    try:
        box = Box(*(float(part) for part in text.split(",")))
    except (TypeError, ValueError):
        return None
    in_range = all(math.isfinite(one) and abs(one) <= 180 for one in box) and max(abs(box.south), abs(box.north)) <= 90
    return box if in_range and box.west < box.east and box.south < box.north else None


def draw(speakers: Sequence[Speaker], outline: Sequence[Ring], box: Box | None) -> Drawing | None:
    """Lay out the speakers, which all have a position, and the outline; None when there is nothing to show."""
    points = [
        *((one.longitude or 0.0, one.latitude or 0.0) for one in speakers),
        *(p for ring in outline for p in ring),
    ]
    if not points:
        return None
    plane = _Plane(box or _around(points))
    shown = [one for one in speakers if box is None or box.has(one.longitude or 0.0, one.latitude or 0.0)]
    marks = [_mark(group, plane) for group in _groups(shown, plane)]
    return Drawing(_named(marks), _path(outline, plane), _counts(shown))


def _around(points: Iterable[tuple[float, float]]) -> Box:
    xs, ys = zip(*points, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def _groups(speakers: Iterable[Speaker], plane: _Plane) -> list[list[Speaker]]:
    """Return the speakers, each with those that are close to the first of its group."""
    groups: list[list[Speaker]] = []
    first: dict[tuple[int, int], list[tuple[float, float, list[Speaker]]]] = {}
    for speaker in speakers:
        x, y = plane.at(speaker.longitude or 0.0, speaker.latitude or 0.0)
        column, row = int(x // APART), int(y // APART)
        near = (one for i in (-1, 0, 1) for j in (-1, 0, 1) for one in first.get((column + i, row + j), ()))
        group = next((members for left, top, members in near if math.hypot(x - left, y - top) < APART), None)
        if group is None:
            groups.append([speaker])
            first.setdefault((column, row), []).append((x, y, groups[-1]))
        else:
            group.append(speaker)
    return groups


def _mark(group: Sequence[Speaker], plane: _Plane) -> Mark:
    area = _around((one.longitude or 0.0, one.latitude or 0.0) for one in group)
    x, y = plane.at(group[0].longitude or 0.0, group[0].latitude or 0.0)
    counts = _counts(group)
    wide = max(area.east - area.west, area.north - area.south) >= SMALLEST_BOX
    margin = max(area.east - area.west, area.north - area.south) / 10
    box = Box(area.west - margin, area.south - margin, area.east + margin, area.north + margin)
    return Mark(group, x, y, counts[0][0], counts, box if wide else None)


def _counts(speakers: Iterable[Speaker]) -> Sequence[tuple[Standing, int]]:
    found = Counter(standing(one) for one in speakers)
    return [(state, found[state]) for state in WORST_FIRST if found[state]]


def _path(outline: Sequence[Ring], plane: _Plane) -> str:
    parts = []
    for ring in outline:
        kept: list[tuple[float, float]] = []
        for point in ring:
            place = plane.at(*point)
            if not kept or math.dist(place, kept[-1]) >= FINEST:
                kept.append(place)
        if len(kept) > 1:
            parts.append("M" + " ".join(f"{x:g},{y:g}" for x, y in kept))
    return "".join(parts)


def _named(marks: Sequence[Mark]) -> list[Mark]:
    """Put the name of each single speaker below its mark, else above, else nowhere, so that names do not overlap."""
    taken: list[tuple[float, float, float]] = [(mark.x, mark.y, DOT) for mark in marks]
    found: list[Mark] = []
    for mark in marks:
        half = min(len(mark.speakers[0].name), LONGEST_NAME) * LETTER / 2
        lines = (mark.y + LINE_BELOW, mark.y - LINE_ABOVE) if len(mark.speakers) == 1 else ()
        free = [
            line
            for line in lines
            if all(abs(mark.x - other) >= half + wide or abs(line - level) >= LINE for other, level, wide in taken)
        ]
        taken.extend((mark.x, line, half) for line in free[:1])
        found.append(replace(mark, name_at=free[0]) if free else mark)
    return found
