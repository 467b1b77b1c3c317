"""Editor of sketches: form fields and exits of each verb, and changes step by step.

Mistakes may remain after a change; they are shown at their step.
"""

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from ivr.custom_flows.errors import StepRefused
from ivr.custom_flows.sketch import MOST_STEPS, VERBS, Sketch, Step, is_name

PROMPT_FIELDS = ("prompt", "greeting")
_OF_EVERY_STEP = ("id", "verb", "exits")


class FieldKind(StrEnum):
    """Kinds of form fields."""

    PROMPT = "prompt"
    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    YES = "yes"
    CHOICE = "choice"


@dataclass(frozen=True)
class FieldSeen:
    """One field of a verb."""

    name: str
    kind: FieldKind
    required: bool
    default: Any
    low: float | None
    high: float | None
    choices: Sequence[str] = ()


def fields_of(verb: str) -> list[FieldSeen]:
    """Return the fields of a verb other than id and exits. Raises StepRefused."""
    node = _class_of(verb)
    bounds = node.model_json_schema()["properties"]
    return [_seen(name, info, bounds[name]) for name, info in node.model_fields.items() if name not in _OF_EVERY_STEP]


def exits_of(verb: str) -> tuple[list[str], list[str]]:
    """Return the required and the optional exits of a verb. Raises StepRefused."""
    node = _class_of(verb)
    return sorted(node.required_exits), sorted(node.optional_exits, key=_as_on_a_keypad)


def field_values(verb: str, typed: dict[str, str]) -> dict[str, Any]:
    """Read the form fields of a verb, leaving out defaults. Raises StepRefused.

    Values out of bounds are reported by the linter, at the step.
    """
    values: dict[str, Any] = {}
    for field in fields_of(verb):
        value = _value(field, typed.get(field.name, "").strip())
        if value is not None and value != field.default:
            values[field.name] = value
    return values


def _value(field: FieldSeen, text: str) -> Any:
    if field.kind is FieldKind.YES:
        return bool(text)
    if not text:
        return None
    if field.kind is FieldKind.CHOICE and text not in field.choices:
        raise StepRefused("flow.step.not_a_choice", field=field.name, choices=tuple(field.choices))
    try:
        if field.kind is FieldKind.WHOLE:
            return int(text)
        if field.kind is FieldKind.NUMBER:
            number = float(text.replace(",", "."))
            if not math.isfinite(number):
                raise ValueError(text)
            return int(number) if number.is_integer() else number
    except (ValueError, OverflowError) as problem:
        raise StepRefused("flow.step.not_a_number", field=field.name, value=text[:40]) from problem
    return text


def _class_of(verb: str) -> type[Any]:
    if verb not in VERBS:
        raise StepRefused("flow.step.no_such_verb", verb=verb[:40])
    return VERBS[verb]


def _seen(name: str, info: FieldInfo, bounds: Mapping[str, Any]) -> FieldSeen:
    wanted = info.annotation
    choices: Sequence[str] = ()
    if isinstance(wanted, types.UnionType):
        wanted = get_args(wanted)[0]
    if name in PROMPT_FIELDS:
        kind = FieldKind.PROMPT
    elif wanted is bool:
        kind = FieldKind.YES
    elif wanted is int:
        kind = FieldKind.WHOLE
    elif wanted is float:
        kind = FieldKind.NUMBER
    elif get_origin(wanted) is Literal:
        kind, choices = FieldKind.CHOICE, [str(choice) for choice in get_args(wanted)]
    else:
        kind = FieldKind.TEXT
    default = None if info.is_required() else info.default
    return FieldSeen(name, kind, info.is_required(), default, bounds.get("minimum"), bounds.get("maximum"), choices)


def _as_on_a_keypad(exit_name: str) -> int:
    keypad = "1234567890*#"
    return keypad.index(exit_name) if len(exit_name) == 1 else len(keypad)


LONGEST_TITLE = 200


def add_step(sketch: Sketch, step_id: str, verb: str, leading: tuple[str, str] | None = None) -> None:
    """Add a step without exits; `leading` is the step and exit that will lead to it. Raises StepRefused."""
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
    """Set the fields of a step from its form; exits without a target ("") are removed. Raises StepRefused."""
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
    """Remove a step; exits that led to it lead to `instead`, or are removed. Raises StepRefused."""
    step = the_step(sketch, step_id)
    if instead:
        the_step(sketch, instead)
        if instead == step_id:
            raise StepRefused("flow.step.same_as_removed")
    sketch.steps.remove(step)
    _lead_elsewhere(sketch, step_id, instead)


def reorder_exits(sketch: Sketch, step_id: str, order: Sequence[str]) -> None:
    """Assign the exits' targets in the order of `order`. Raises StepRefused.

    On a menu the keys stay and their targets move: the second choice, moved up, gets key 1.
    """
    exits = the_step(sketch, step_id)["exits"]
    if sorted(order) != sorted(exits):
        raise StepRefused("flow.step.exits_changed")
    targets = [exits[name] for name in order]
    exits.update(zip(list(exits), targets, strict=True))


def move_exit(sketch: Sketch, step_id: str, exit_name: str, by: int) -> None:
    """Move the target of an exit up (-1) or down (1) among the exits, stopping at the ends. Raises StepRefused."""
    order = list(the_step(sketch, step_id)["exits"])
    if exit_name not in order:
        raise StepRefused("flow.step.exits_changed")
    here = order.index(exit_name)
    there = min(max(here + by, 0), len(order) - 1)
    order.insert(there, order.pop(here))
    reorder_exits(sketch, step_id, order)


def set_beginning(sketch: Sketch, titles: Mapping[str, str], start: str, call_back_entry: str) -> None:
    """Set the titles and the entry points. Raises StepRefused."""
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
    """Redirect everything that led to a step; without a target the exits are removed."""
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
