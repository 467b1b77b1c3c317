"""Linter: finds mistakes in a flow before a caller does.

It looks only at the definition: exits, paths, values known on every path, loops that never wait for the caller, and
prompts that a language lacks.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from ivr.flows.definition import Flow, delivered_flow, delivered_flows
from ivr.flows.mistakes import FlowMistakes, Mistake, MistakeKind, mistake
from ivr.flows.node import TIMEOUT, Node
from ivr.prompts.store import STATION_PROMPTS
from ivr.verbs.authenticate import Authenticate
from ivr.verbs.go_live import GoLive

KNOWN_ON_CALL_BACK = frozenset({"official", "zone", "reachable", "total"})
"""Values of a session from the start of a call back."""


class PromptsOnHand(Protocol):
    """The prompts, as the linter needs them."""

    def can_say(self, key: str, language: str) -> bool:
        """Return whether a caller with this language hears something for the prompt."""
        ...

    def variables(self, key: str) -> frozenset[str]:
        """Return the names of the values in a prompt."""
        ...


def require_sound(flow: Flow, prompts: PromptsOnHand, languages: Iterable[str]) -> Flow:
    """Return the flow when it is sound. Raises FlowMistakes with every mistake."""
    if mistakes := lint(flow, prompts, languages):
        raise FlowMistakes(mistakes)
    return flow


def lint(flow: Flow, prompts: PromptsOnHand, languages: Iterable[str]) -> list[Mistake]:
    """Return all mistakes; those that make paths unclear are reported before the others."""
    return list(_loose_ends(flow)) or [
        *_unfit_for_its_line(flow),
        *_unreachable(flow),
        *_unknown_values(flow, prompts),
        *_endless_loops(flow),
        *_unspeakable(flow, prompts, languages),
    ]


def _loose_ends(flow: Flow) -> Iterator[Mistake]:
    ids = [node.id for node in flow.nodes]
    for twice in sorted({each for each in ids if ids.count(each) > 1}):
        yield mistake(MistakeKind.SAME_ID_TWICE, "flow", id=twice)
    for entry in _entries(flow):
        if entry not in ids:
            yield mistake(MistakeKind.NO_SUCH_ENTRY, "flow", entry=entry)
    if flow.call_back_entry is None and any(isinstance(node, GoLive) for node in flow.nodes):
        yield mistake(MistakeKind.NO_CALL_BACK_ENTRY, "flow")
    for node in flow.nodes:
        for name in sorted(node.required_exits - node.exits.keys()):
            yield mistake(MistakeKind.MISSING_EXIT, node.id, exit=name)
        for name, target in node.exits.items():
            if name not in node.required_exits | node.optional_exits:
                yield mistake(MistakeKind.UNKNOWN_EXIT, node.id, exit=name)
            if target not in ids:
                yield mistake(MistakeKind.NO_SUCH_NODE, node.id, exit=name, target=target)


def _unfit_for_its_line(flow: Flow) -> Iterator[Mistake]:
    """A flow that replaces a built-in one must suit the calls that come to it."""
    place = delivered_flow(flow.flow) if flow.flow in delivered_flows() else None
    if place is not None and place.is_for_officials and not flow.is_for_officials:
        yield mistake(MistakeKind.NOT_FOR_OFFICIALS, "flow")
    if place is not None and place.call_back_entry is not None and flow.call_back_entry is None:
        yield mistake(MistakeKind.NO_ENTRY_FOR_CALLS_OUT, "flow")
    serves_citizens = any(node.for_citizens for node in place.nodes) if place else not flow.is_for_officials
    for node in flow.nodes:
        if node.for_citizens and not serves_citizens:
            yield mistake(MistakeKind.NO_DESK_FOR_CITIZENS, node.id)
        if isinstance(node, Authenticate) and place is not None and not place.is_for_officials:
            yield mistake(MistakeKind.NOT_FOR_CITIZENS, node.id)


def _unreachable(flow: Flow) -> Iterator[Mistake]:
    nodes = {node.id: node for node in flow.nodes}
    reached: set[str] = set()
    ahead = list(_entries(flow))
    while ahead:
        if (node_id := ahead.pop()) not in reached:
            reached.add(node_id)
            ahead.extend(nodes[node_id].exits.values())
    for node in flow.nodes:
        if node.id not in reached:
            yield mistake(MistakeKind.UNREACHABLE, node.id)


def _unknown_values(flow: Flow, prompts: PromptsOnHand) -> Iterator[Mistake]:
    known = _known_values(flow)
    for node in flow.nodes:
        if node.id in known:
            needed = node.needs.union(*(prompts.variables(key) for key in node.prompts()))
            for value in sorted(needed - known[node.id]):
                yield mistake(MistakeKind.VALUE_NOT_KNOWN, node.id, value=value)


def _known_values(flow: Flow) -> Mapping[str, frozenset[str]]:
    """Return the values known at each reachable node on every path to it."""
    nodes = {node.id: node for node in flow.nodes}
    known: dict[str, frozenset[str]] = {}
    ahead: list[tuple[str, frozenset[str]]] = [(flow.start, frozenset())]
    if flow.call_back_entry is not None:
        ahead.append((flow.call_back_entry, KNOWN_ON_CALL_BACK))
    while ahead:
        node_id, arriving = ahead.pop()
        common = arriving & known.get(node_id, arriving)
        if known.get(node_id) != common:
            known[node_id] = common
            node = nodes[node_id]
            ahead.extend((target, common | node.gives(name)) for name, target in node.exits.items())
    return known


def _endless_loops(flow: Flow) -> Iterator[Mistake]:
    """A loop of exits without any action of the caller would run until the line is cut."""
    nodes = {node.id: node for node in flow.nodes}
    hurried = {node.id: _hurried_targets(node) for node in flow.nodes}
    reported: set[str] = set()
    for start in nodes:
        way = _way_back(start, hurried)
        if way and start not in reported:
            reported.update(way)
            yield mistake(MistakeKind.ENDLESS, start, loop=" → ".join([start, *way]))


def _way_back(start: str, hurried: Mapping[str, list[str]]) -> list[str]:
    """Return the shortest path from a node back to itself, without its beginning; empty without one."""
    ways = [[target] for target in hurried[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        if way[-1] == start:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways.extend([*way, target] for target in hurried[way[-1]])
    return []


def _hurried_targets(node: Node) -> list[str]:
    return [target for name, target in node.exits.items() if name == TIMEOUT or not node.waits_for_caller]


def _unspeakable(flow: Flow, prompts: PromptsOnHand, languages: Iterable[str]) -> Iterator[Mistake]:
    for language in languages:
        for key in STATION_PROMPTS:
            if not prompts.can_say(key, language):
                yield mistake(MistakeKind.NO_PROMPT, "flow", prompt=key, language=language)
        for node in flow.nodes:
            for key in dict.fromkeys((*node.prompts(), *node.sentences)):
                if not prompts.can_say(key, language):
                    yield mistake(MistakeKind.NO_PROMPT, node.id, prompt=key, language=language)


def _entries(flow: Flow) -> list[str]:
    return [flow.start, *([flow.call_back_entry] if flow.call_back_entry else [])]
