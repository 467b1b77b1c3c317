"""Check of a definition before it is used under a name."""

from collections.abc import Iterable
from dataclasses import dataclass

from ivr.flows.definition import Flow, parse_flow
from ivr.flows.linter import PromptsOnHand, lint
from ivr.flows.mistakes import FlowMistakes, Mistake, MistakeKind, mistake


@dataclass(frozen=True)
class FlowCheck:
    """The linter with the prompts and languages of the station."""

    prompts: PromptsOnHand
    languages: Iterable[str]

    def require_sound(self, name: str, definition: str) -> Flow:
        """Return the flow when it is sound. Raises FlowMistakes with every mistake."""
        flow = parse_flow(definition)
        other_name = [mistake(MistakeKind.OTHER_NAME, "flow", found=flow.flow, name=name)] if flow.flow != name else []
        if mistakes := [*other_name, *lint(flow, self.prompts, self.languages)]:
            raise FlowMistakes(mistakes)
        return flow

    def mistakes(self, name: str, definition: str) -> tuple[Mistake, ...]:
        """Return every mistake."""
        try:
            self.require_sound(name, definition)
        except FlowMistakes as found:
            return found.mistakes
        return ()
