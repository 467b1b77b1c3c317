"""Layout of a flow's diagram: positions of boxes and lines. A template renders it as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ivr.custom_flows.sketch import Place

BOX_WIDTH, COLUMN = 190, 260
LINE, HEAD, GAP = 18, 44, 14


@dataclass(frozen=True)
class Box:
    """One step; `elsewhere` are its exits to steps drawn in another place: (exit, target)."""

    id: str
    verb: str
    x: int
    y: int
    height: int
    elsewhere: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Line:
    """A line from a box to one on its right, bent at `x_bend`; the exit is labelled at its end."""

    exit: str
    x: int
    y: int
    x_bend: int
    to_x: int
    to_y: int


@dataclass
class Diagram:
    """The whole diagram."""

    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    width: int = 0
    height: int = 0


def draw(roots: Sequence[Place]) -> Diagram:
    """Draw trees one below the other, each from left to right."""
    diagram = Diagram()
    for root in roots:
        diagram.height += _draw(diagram, root, 0, diagram.height)
    diagram.width = max((box.x + BOX_WIDTH for box in diagram.boxes), default=BOX_WIDTH) + 2
    return diagram


def _draw(diagram: Diagram, place: Place, x: int, y: int) -> int:
    """Draw a step with everything below it; return the height."""
    elsewhere = [(way.exit, way.target) for way in place.ways if way.below is None]
    box = Box(place.id, str(place.step["verb"]), x, y, HEAD + LINE * len(elsewhere), elsewhere)
    diagram.boxes.append(box)
    taken = 0
    for way in place.ways:
        if way.below is not None:
            there = y + taken
            begin = y + HEAD // 2
            diagram.lines.append(
                Line(way.exit, x + BOX_WIDTH, begin, x + BOX_WIDTH + 14, x + COLUMN, there + HEAD // 2)
            )
            taken += _draw(diagram, way.below, x + COLUMN, there)
    return max(box.height + GAP, taken)
