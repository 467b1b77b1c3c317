"""A flow as a tree: each step is placed on the shortest path from the beginning; other exits refer to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ivr.custom_flows.sketch import Sketch, Step

DEEPEST = 12
"""Maximum depth of a tree; deeper steps begin a tree of their own."""


@dataclass
class Way:
    """One exit of a step. `below` is the target where it is placed here; otherwise it is placed elsewhere."""

    exit: str
    target: str
    below: "Place | None" = None
    there: bool = True
    """Whether the target exists."""


@dataclass
class Place:
    """A step in the tree, with its exits in order."""

    step: Step
    ways: list[Way] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.step["id"])

    def walk(self) -> Iterator["Place"]:
        """Yield this place and every place below, in reading order."""
        yield self
        for way in self.ways:
            if way.below is not None:
                yield from way.below.walk()


def outline(sketch: Sketch) -> list[Place]:
    """Return the roots of the tree: the entry points, then steps that are too deep or unreachable."""
    places = {step["id"]: Place(step) for step in sketch.steps}
    placed: set[str] = set()
    entries = [places[entry] for entry in dict.fromkeys(sketch.entries) if entry in places]
    roots = _grow(entries, places, placed)
    for place in places.values():
        if place.id not in placed:
            roots += _grow([place], places, placed)
    return roots


def _grow(roots: list[Place], places: dict[str, Place], placed: set[str]) -> list[Place]:
    """Place the steps that can be reached from roots, the near ones first; return the roots."""
    placed.update(root.id for root in roots)
    ahead = [(root, 1) for root in roots]
    while ahead:
        place, depth = ahead.pop(0)
        for name, target in place.step["exits"].items():
            way = Way(name, target, there=target in places)
            if way.there and target not in placed and depth < DEEPEST:
                placed.add(target)
                way.below = places[target]
                ahead.append((places[target], depth + 1))
            place.ways.append(way)
    return roots
