"""Sketches: definitions that can be shown and edited as steps but need not be sound.

Every step has a unique id, a known verb, and exits that name steps; the rest may be missing or wrong. A sketch is shown
as a tree, in which each step is placed on the shortest path from the beginning, and compared step by step.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

from haichieu.locale import message
from ivr.flows.definition import LONGEST_DEFINITION, AnyNode, read_json
from ivr.flows.mistakes import FlowMistakes, Mistake, MistakeKind, mistake, not_a_flow
from ivr.flows.node import Node
from ivr.prompts.prompt_texts import KEY

Step = dict[str, Any]
MOST_STEPS = 500
LONGEST_NAME = 60

VERBS: dict[str, type[Node]] = {
    get_args(node.model_fields["verb"].annotation)[0]: node for node in get_args(get_args(AnyNode)[0])
}
"""Every verb with its class, in the order of the reference."""


class Sketch:
    """A definition as editable data; `text` is its stored form."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    @property
    def steps(self) -> list[Step]:
        """The nodes, in order."""
        steps: list[Step] = self.content["nodes"]
        return steps

    @property
    def ids(self) -> list[str]:
        return [step["id"] for step in self.steps]

    def step(self, step_id: str) -> Step | None:
        return next((step for step in self.steps if step["id"] == step_id), None)

    @property
    def entries(self) -> list[str]:
        """The ids of the entry points."""
        return [entry for name in ("start", "call_back_entry") if isinstance(entry := self.content.get(name), str)]

    @property
    def titles(self) -> dict[str, str]:
        """The titles by language."""
        title = self.content.get("title")
        return {str(key): str(words) for key, words in title.items()} if isinstance(title, dict) else {}

    @property
    def text(self) -> str:
        """The definition as JSON, identical for identical content."""
        return json.dumps(self.content, ensure_ascii=False, indent=2)


def read_sketch(definition: str) -> Sketch:
    """Read a sketch. Raises FlowMistakes."""
    if len(definition) > LONGEST_DEFINITION:
        raise FlowMistakes([not_a_flow(message("flow.shape.too_long_definition", most=LONGEST_DEFINITION))])
    content = read_json(definition)
    if not isinstance(content, dict) or not isinstance(steps := content.get("nodes"), list):
        raise FlowMistakes([not_a_flow(message("flow.shape.no_nodes"))])
    if len(steps) > MOST_STEPS:
        raise FlowMistakes([not_a_flow(message("flow.step.too_many", count=MOST_STEPS))])
    if mistakes := [one for place, step in enumerate(steps) for one in _mistakes_of(step, f"nodes[{place}]")]:
        raise FlowMistakes(mistakes)
    sketch = Sketch(content)
    if twice := sorted({each for each in sketch.ids if sketch.ids.count(each) > 1}):
        raise FlowMistakes([mistake(MistakeKind.SAME_ID_TWICE, "flow", id=each) for each in twice])
    try:
        sketch.text.encode()
    except (UnicodeEncodeError, RecursionError) as problem:
        problem_named = message("flow.shape.not_json", problem=type(problem).__name__)
        raise FlowMistakes([not_a_flow(problem_named)]) from problem
    return sketch


def _mistakes_of(step: object, place: str) -> list[Mistake]:
    if not isinstance(step, dict) or not is_name(step.get("id")):
        return [not_a_flow(message("flow.step.bad_name"), place)]
    if not isinstance(step.get("verb"), str) or step["verb"] not in VERBS:
        return [not_a_flow(message("flow.step.no_such_verb", verb=str(step.get("verb"))[:60]), str(step["id"]))]
    exits = step.setdefault("exits", {})
    if not isinstance(exits, dict) or not all(isinstance(target, str) for target in exits.values()):
        return [not_a_flow(message("flow.shape.exits"), str(step["id"]))]
    return []


def is_name(name: object) -> bool:
    """Return whether this is a valid name of a step, prompt or flow."""
    return isinstance(name, str) and len(name) <= LONGEST_NAME and re.fullmatch(KEY, name) is not None


DEEPEST = 12
"""Maximum depth of a tree; deeper steps begin a tree of their own."""


@dataclass
class Exit:
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
    ways: list[Exit] = field(default_factory=list)

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
            way = Exit(name, target, there=target in places)
            if way.there and target not in placed and depth < DEEPEST:
                placed.add(target)
                way.below = places[target]
                ahead.append((places[target], depth + 1))
            place.ways.append(way)
    return roots


@dataclass(frozen=True)
class Difference:
    """One difference. `place` is the id of a step, or "" for the whole flow; an absent side is empty."""

    place: str
    what: str
    old: str
    new: str


def differences(old: Sketch, new: Sketch) -> list[Difference]:
    """Return the changes, removals and additions, in the order of the newer definition."""
    before, after = {step["id"]: step for step in old.steps}, {step["id"]: step for step in new.steps}
    return [
        *_between("", _whole(old), _whole(new)),
        *(one for name in after for one in _between(name, before.get(name, {}), after[name])),
        *(one for name in before if name not in after for one in _between(name, before[name], {})),
    ]


def _whole(sketch: Sketch) -> dict[str, Any]:
    return {name: value for name, value in sketch.content.items() if name != "nodes"}


def _between(place: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Difference]:
    was, becomes = dict(_flat(old)), dict(_flat(new))
    for what in dict.fromkeys((*becomes, *was)):
        if was.get(what) != becomes.get(what):
            yield Difference(place, what, was.get(what, ""), becomes.get(what, ""))


def _flat(content: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        if name == "id":
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name} ")
        else:
            yield prefix + name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
