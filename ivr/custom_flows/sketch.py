"""A definition in the making: whole enough to be shown as steps, not yet a flow that calls can follow.

Every step has an id of its own, a verb that there is, and exits that name steps; the rest may be missing or wrong.
"""

import json
import re
from typing import Any, get_args

from haichieu.locale import message
from ivr.flows.definition import LONGEST_DEFINITION, AnyNode, read_json
from ivr.flows.mistakes import FlowMistakes, Mistake, MistakeKind, mistake, not_a_flow
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
    """Say whether a step, prompt or flow may be called this."""
    return isinstance(name, str) and len(name) <= LONGEST_NAME and re.fullmatch(KEY, name) is not None
