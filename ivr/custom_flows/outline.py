"""A flow as a tree: each step stands where the shortest way from the beginning leads to it; other exits point there."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ivr.custom_flows.sketch import Sketch, Step

DEEPEST = 12
"""Steps one below the other; what lies deeper begins a tree of its own, or nobody could read it."""


@dataclass
class Way:
    """One exit of a step. `below` is the step it leads to, where that stands here; else it stands somewhere else."""

    exit: str
    target: str
    below: "Place | None" = None
    there: bool = True
    """Whether there is such a step."""


@dataclass
class Place:
    """A step in the tree, with its exits in their order."""

    step: Step
    ways: list[Way] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Of the step."""
        return str(self.step["id"])

    def walk(self) -> Iterator["Place"]:
        """Yield it and every place below, as they are read."""
        yield self
        for way in self.ways:
            if way.below is not None:
                yield from way.below.walk()


def outline(sketch: Sketch) -> list[Place]:
    """Return the tree's roots: where calls begin, then what lies too deep or cannot be reached."""
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
