"""State machines as one table each: state × event → next state.

The check constraints of the database and the diagrams in the docs are generated from the same tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from haichieu.errors import HaiChieuError

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class IllegalTransition(HaiChieuError):
    """An event occurred in a state that does not allow it."""

    def __init__(self, machine: str, state: StrEnum, event: StrEnum) -> None:
        super().__init__("base.illegal_transition", machine=machine, event=event, state=state)
        self.machine = machine
        self.state = state
        self.event = event


@dataclass(frozen=True)
class StateMachine(Generic[S, E]):
    """A named transition table."""

    name: str
    initial: S
    table: Mapping[tuple[S, E], S]

    def after(self, state: S, event: E) -> S:
        """Return the state that follows, or raise IllegalTransition naming state and event."""
        try:
            return self.table[state, event]
        except KeyError:
            raise IllegalTransition(self.name, state, event) from None

    @property
    def states(self) -> tuple[S, ...]:
        """Every state, the initial one first, in the order of the table."""
        seen: dict[S, None] = {self.initial: None}
        for (state, _event), following in self.table.items():
            seen.setdefault(state)
            seen.setdefault(following)
        return tuple(seen)

    @property
    def final_states(self) -> frozenset[S]:
        """The states that no event leaves."""
        return frozenset(self.states) - {state for state, _event in self.table}

    def mermaid(self) -> str:
        """Return the table as a Mermaid state diagram, for the docs."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        lines += [f"    {state} --> {following}: {event}" for (state, event), following in self.table.items()]
        lines += [f"    {state} --> [*]" for state in self.states if state in self.final_states]
        return "\n".join(lines)
