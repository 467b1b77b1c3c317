"""The page about alerts says what the program does."""

from pathlib import Path

from broadcast_bridge.alerts.cap import Certainty, Severity, Urgency
from broadcast_bridge.alerts.models import DecisionKind
from broadcast_bridge.alerts.priorities import priority_of
from broadcast_bridge.alerts.states import ALERT

PAGE = (Path(__file__).parents[3] / "docs/alerts.md").read_text()


def test_the_states_are_drawn_as_they_are() -> None:
    assert ALERT.mermaid() in PAGE


def test_the_priorities_are_listed_as_they_are() -> None:
    assert f"| | {' | '.join(Severity)} |" in PAGE
    for urgency in Urgency:
        row = " | ".join(priority_of(urgency, severity, Certainty.LIKELY) for severity in Severity)
        assert f"| {urgency} | {row} |" in PAGE


def test_every_decision_is_listed() -> None:
    assert [kind for kind in DecisionKind if f"| `{kind}` |" not in PAGE] == []
