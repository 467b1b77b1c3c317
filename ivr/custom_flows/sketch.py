"""A definition in the making: whole enough to be shown as steps, not yet a flow that calls can follow.

Every step has an id of its own, a verb that there is, and exits that name steps; the rest may be missing or wrong.
"""

import json
import re
from typing import Any, get_args

from ivr.flows.definition import LONGEST_DEFINITION, AnyNode, read_json
from ivr.flows.mistakes import FlowMistakes, Mistake, MistakeKind
from ivr.flows.node import Node
from ivr.prompts.texts import KEY

Step = dict[str, Any]
MOST_STEPS = 500
LONGEST_NAME = 60

VERBS: dict[str, type[Node]] = {
    get_args(node.model_fields["verb"].annotation)[0]: node for node in get_args(get_args(AnyNode)[0])
}
"""Every verb with its class, in the order of the reference."""


class Sketch:
    """A definition as data that can be changed; `text` is what is kept of it."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    @property
    def steps(self) -> list[Step]:
        """The nodes, in their order."""
        steps: list[Step] = self.content["nodes"]
        return steps

    @property
    def ids(self) -> list[str]:
        """The ids of the steps, in their order."""
        return [step["id"] for step in self.steps]

    def step(self, step_id: str) -> Step | None:
        """The step of this id."""
        return next((step for step in self.steps if step["id"] == step_id), None)

    @property
    def entries(self) -> list[str]:
        """The ids of the steps at which calls begin."""
        return [entry for name in ("start", "call_back_entry") if isinstance(entry := self.content.get(name), str)]

    @property
    def titles(self) -> dict[str, str]:
        """What it is called, by language, as far as it says."""
        title = self.content.get("title")
        return {str(key): str(words) for key, words in title.items()} if isinstance(title, dict) else {}

    @property
    def text(self) -> str:
        """The definition as JSON, the same for the same content."""
        return json.dumps(self.content, ensure_ascii=False, indent=2)


def read_sketch(definition: str) -> Sketch:
    """Read a definition in the making. Raises FlowMistakes when it is not even that."""
    if len(definition) > LONGEST_DEFINITION:
        raise FlowMistakes([_shapeless(f"hơn {LONGEST_DEFINITION} ký tự / more than {LONGEST_DEFINITION} characters")])
    content = read_json(definition)
    if not isinstance(content, dict) or not isinstance(steps := content.get("nodes"), list):
        raise FlowMistakes([_shapeless('{"flow": …, "nodes": […]}')])
    if len(steps) > MOST_STEPS:
        raise FlowMistakes([_shapeless(f"nodes > {MOST_STEPS}")])
    if mistakes := [mistake for place, step in enumerate(steps) for mistake in _mistakes_of(step, f"nodes[{place}]")]:
        raise FlowMistakes(mistakes)
    sketch = Sketch(content)
    if twice := sorted({each for each in sketch.ids if sketch.ids.count(each) > 1}):
        raise FlowMistakes([Mistake(MistakeKind.SAME_ID_TWICE, "flow", (each,)) for each in twice])
    try:
        sketch.text.encode()
    except (UnicodeEncodeError, RecursionError) as problem:
        raise FlowMistakes([_shapeless(f"JSON: {type(problem).__name__}")]) from problem
    return sketch


def _mistakes_of(step: object, place: str) -> list[Mistake]:
    if not isinstance(step, dict) or not is_name(step.get("id")):
        return [_shapeless(f"{place}: id")]
    if not isinstance(step.get("verb"), str) or step["verb"] not in VERBS:
        return [Mistake(MistakeKind.NOT_A_FLOW, str(step["id"]), (f"verb: {str(step.get('verb'))[:60]!r}",))]
    exits = step.setdefault("exits", {})
    if not isinstance(exits, dict) or not all(isinstance(target, str) for target in exits.values()):
        return [Mistake(MistakeKind.NOT_A_FLOW, str(step["id"]), ("exits",))]
    return []


def is_name(name: object) -> bool:
    """Say whether a step, prompt or flow may be called this."""
    return isinstance(name, str) and len(name) <= LONGEST_NAME and re.fullmatch(KEY, name) is not None


def _shapeless(problem: str) -> Mistake:
    return Mistake(MistakeKind.NOT_A_FLOW, "flow", (problem,))
