"""Form fields of the steps of each verb, from the fields of its class."""

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from ivr.custom_flows.errors import StepRefused
from ivr.custom_flows.sketch import VERBS

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
