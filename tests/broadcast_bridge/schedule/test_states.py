from pathlib import Path

from broadcast_bridge.schedule.lunar import parse_lunar
from broadcast_bridge.schedule.states import OCCURRENCE, OccurrenceReason, OccurrenceState, reason_message
from haichieu.locale import render

DOCUMENT = (Path(__file__).parents[3] / "docs/schedule.md").read_text()


def test_the_document_draws_the_states_and_says_the_reasons_as_they_are() -> None:
    assert OCCURRENCE.mermaid() in DOCUMENT
    for why in OccurrenceReason:
        vietnamese, english = (render(reason_message(why), language) for language in ("vi", "en"))
        assert f"| `{why}` | {vietnamese} | {english} |" in DOCUMENT


def test_the_lunar_rules_of_the_document_can_be_read() -> None:
    rules = [line.split("`")[1] for line in DOCUMENT.splitlines() if line.startswith(("| `DAY", "| `MONTH"))]
    assert len(rules) == 4
    assert [parse_lunar(rule).days for rule in rules] == [(1, 15), (15,), (-1,), (15,)]


def test_an_occurrence_that_is_decided_stays_decided() -> None:
    assert OCCURRENCE.final_states == set(OccurrenceState) - {OccurrenceState.PLANNED, OccurrenceState.CLAIMED}
