"""Changing a definition in the making, step by step. Mistakes may stay behind: they are shown where they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from ivr.custom_flows.errors import StepRefused
from ivr.custom_flows.fields import exits_of, field_values
from ivr.custom_flows.sketch import MOST_STEPS, Sketch, Step, is_name

LONGEST_TITLE = 200


def add_step(sketch: Sketch, step_id: str, verb: str, leading: tuple[str, str] | None = None) -> None:
    """Add a step without exits; `leading` is the step and exit that lead to it from now on. Raises StepRefused."""
    _require_free(sketch, step_id)
    if len(sketch.steps) >= MOST_STEPS:
        raise StepRefused("flow.step.too_many", count=MOST_STEPS)
    exits_of(verb)
    if leading is not None:
        before, exit_name = the_step(sketch, leading[0]), leading[1]
        _require_exit(before["verb"], exit_name)
        before["exits"][exit_name] = step_id
    sketch.steps.append({"id": step_id, "verb": verb, "exits": {}})


def change_step(sketch: Sketch, step_id: str, new_id: str, typed: Mapping[str, str], exits: Mapping[str, str]) -> None:
    """Give a step what was typed into its form; exits that lead nowhere ("") go. Raises StepRefused."""
    step = the_step(sketch, step_id)
    verb = step["verb"]
    for name, target in exits.items():
        _require_exit(verb, name)
        if target:
            the_step(sketch, target)
    values = field_values(verb, dict(typed))
    if new_id != step_id:
        _require_free(sketch, new_id)
    led = {name: target for name, target in exits.items() if target}
    order = [*(name for name in step["exits"] if name in led), *(name for name in led if name not in step["exits"])]
    step.clear()
    step.update({"id": step_id, "verb": verb, **values, "exits": {name: led[name] for name in order}})
    if new_id != step_id:
        _lead_elsewhere(sketch, step_id, new_id)
        step["id"] = new_id


def remove_step(sketch: Sketch, step_id: str, instead: str = "") -> None:
    """Take a step out; what led to it leads to `instead`, or nowhere. Raises StepRefused."""
    step = the_step(sketch, step_id)
    if instead:
        the_step(sketch, instead)
        if instead == step_id:
            raise StepRefused("flow.step.same_as_removed")
    sketch.steps.remove(step)
    _lead_elsewhere(sketch, step_id, instead)


def reorder_exits(sketch: Sketch, step_id: str, order: Sequence[str]) -> None:
    """Deal the exits' targets anew: what `order` names first is led to by the first exit. Raises StepRefused.

    On a menu the keys stay where they are, and what they lead to moves: the second choice, moved up, gets key 1.
    """
    exits = the_step(sketch, step_id)["exits"]
    if sorted(order) != sorted(exits):
        raise StepRefused("flow.step.exits_changed")
    targets = [exits[name] for name in order]
    exits.update(zip(list(exits), targets, strict=True))


def move_exit(sketch: Sketch, step_id: str, exit_name: str, by: int) -> None:
    """Move what an exit leads to up (-1) or down (1) among the exits; at an end it stays. Raises StepRefused."""
    order = list(the_step(sketch, step_id)["exits"])
    if exit_name not in order:
        raise StepRefused("flow.step.exits_changed")
    here = order.index(exit_name)
    there = min(max(here + by, 0), len(order) - 1)
    order.insert(there, order.pop(here))
    reorder_exits(sketch, step_id, order)


def set_beginning(sketch: Sketch, titles: Mapping[str, str], start: str, call_back_entry: str) -> None:
    """Say what the flow is called and where calls begin. Raises StepRefused."""
    the_step(sketch, start)
    named = {language: title.strip()[:LONGEST_TITLE] for language, title in titles.items() if title.strip()}
    sketch.content.update({"title": named, "start": start})
    sketch.content.pop("call_back_entry", None)
    if call_back_entry:
        the_step(sketch, call_back_entry)
        nodes = sketch.content.pop("nodes")
        sketch.content.update({"call_back_entry": call_back_entry, "nodes": nodes})


def the_step(sketch: Sketch, step_id: str) -> Step:
    """Return the step of this id. Raises StepRefused."""
    step = sketch.step(step_id)
    if step is None:
        raise StepRefused("flow.step.not_found", step=step_id[:60])
    return step


def _require_free(sketch: Sketch, step_id: str) -> None:
    if not is_name(step_id):
        raise StepRefused("flow.step.bad_name")
    if sketch.step(step_id) is not None:
        raise StepRefused("flow.step.exists", step=step_id)


def _require_exit(verb: str, name: str) -> None:
    required, optional = exits_of(verb)
    if name not in (*required, *optional):
        raise StepRefused("flow.step.no_such_exit", verb=verb, exit=name[:40])


def _lead_elsewhere(sketch: Sketch, step_id: str, elsewhere: str) -> None:
    """Lead everything that led to a step somewhere else; nowhere takes the exit away."""
    content: dict[str, Any] = sketch.content
    for name in ("start", "call_back_entry"):
        if content.get(name) == step_id:
            if elsewhere:
                content[name] = elsewhere
            elif name == "call_back_entry":
                content.pop(name)
    for step in sketch.steps:
        exits: dict[str, str] = step["exits"]
        for name in [name for name, target in exits.items() if target == step_id]:
            if elsewhere:
                exits[name] = elsewhere
            else:
                exits.pop(name)
