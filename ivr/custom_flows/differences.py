"""Differences between two definitions, step by step."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ivr.custom_flows.sketch import Sketch


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
