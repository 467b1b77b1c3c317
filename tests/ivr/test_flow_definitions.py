"""Definitions of flows, good and bad, and what the linter says of each."""

import json
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haichieu.locale import render
from ivr.flows.definition import AnyNode, Flow, delivered_flow, delivered_flows, parse_flow
from ivr.flows.linter import lint, require_sound
from ivr.flows.mistakes import FlowMistakes, Mistake, MistakeKind
from ivr.flows.node import Node
from ivr.prompts.prompt_texts import PromptTexts
from ivr.prompts.store import STATION_PROMPTS
from tests.builders.prompts import TextsAlone

DATA = Path(__file__).parent / "data"
GOOD = sorted((DATA / "good").glob("*.json"))
BAD = sorted((DATA / "bad").glob("*.json"))
EXPECTED: dict[str, list[str]] = tomllib.loads((DATA / "bad" / "expected.toml").read_text())
VERBS: tuple[type[Node], ...] = get_args(get_args(AnyNode)[0])
TEXTS = PromptTexts.delivered()


def mistakes_in(definition: str) -> list[Mistake]:
    try:
        return lint(parse_flow(definition), TextsAlone(), ["vi", "en"])
    except FlowMistakes as found:
        return list(found.mistakes)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_definition_has_no_mistake(path: Path) -> None:
    assert mistakes_in(path.read_text()) == []


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_definition_is_refused_with_its_place_and_reason(path: Path) -> None:
    said = [render(mistake.message, "en") for mistake in mistakes_in(path.read_text())]
    expected = EXPECTED[path.stem]
    assert len(said) == len(expected)
    for sentence, wanted in zip(said, expected, strict=True):
        beginning, _, rest = wanted.partition("…")
        assert sentence.startswith(beginning) if wanted.endswith("…") else sentence == wanted, rest


def test_every_kind_of_mistake_is_in_the_table() -> None:
    assert {path.stem for path in BAD} == EXPECTED.keys()
    found = {mistake.kind for path in BAD for mistake in mistakes_in(path.read_text())}
    assert found | {MistakeKind.OTHER_NAME} == set(MistakeKind)  # which only its place can tell: see test_custom_flows


def test_every_mistake_reaches_the_reader_in_one_language() -> None:
    with pytest.raises(FlowMistakes) as refusal:
        require_sound(parse_flow((DATA / "bad" / "live-without-sign-in.json").read_text()), TextsAlone(), ["vi"])
    assert render(refusal.value.message, "vi").split("\n") == [
        "live: cần giá trị official mà chưa bước nào trước đó cho biết",
        "live: cần giá trị zone mà chưa bước nào trước đó cho biết",
    ]
    assert str(refusal.value).startswith("live: needs official, which")
    assert refusal.value.exit_status == 2


def test_a_name_with_a_slash_is_not_torn_apart() -> None:
    name = "sáng / chiều"
    (found,) = mistakes_in(json.dumps({"flow": "x", "version": 1, "title": {}, "start": "a", name: 1, "nodes": []}))[1:]
    assert render(found.message, "vi") == f"flow: không đúng dạng: {name}: không có mục này"


@pytest.mark.parametrize("key", sorted(delivered_flows()))
def test_the_delivered_flows_are_sound(key: str) -> None:
    flow = require_sound(delivered_flow(key), TextsAlone(), languages=["vi", "en"])
    assert flow.flow == key
    assert flow.title.keys() == {"vi", "en"}


def test_a_flow_that_is_not_delivered_is_an_error() -> None:
    with pytest.raises(KeyError):
        delivered_flow("../flows/hotline")


def test_no_prompt_is_delivered_in_vain() -> None:
    nodes = [node for key in delivered_flows() for node in delivered_flow(key).nodes]
    said = {prompt for node in nodes for prompt in (*node.prompts(), *node.sentences)}
    assert TEXTS.keys("vi") == said | set(STATION_PROMPTS)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_the_json_in_a_verbs_documentation_is_a_node_of_it(verb: type[Node]) -> None:
    documentation = verb.__doc__ or ""
    example = json.loads(documentation[documentation.index('{"id"') :])
    node = verb.model_validate(example)
    assert node.required_exits <= node.exits.keys() <= node.required_exits | node.optional_exits


def test_a_language_without_a_prompt_is_named() -> None:
    end = {"id": "end", "verb": "hangup", "prompt": "wrong-pin"}
    flow = parse_flow(
        json.dumps({"flow": "test", "version": 1, "title": {"vi": "Thử"}, "start": "end", "nodes": [end]})
    )

    class OnlyTheFlowsOwn(TextsAlone):
        def can_say(self, key: str, language: str) -> bool:
            return language == "vi" or key in STATION_PROMPTS

    assert [render(mistake.message, "vi") for mistake in lint(flow, OnlyTheFlowsOwn(), ["vi", "tyz"])] == [
        "end: thiếu câu thoại wrong-pin cho ngôn ngữ tyz"
    ]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["flow", "version", "nodes", "id", "verb", "exits"]), inner, max_size=6)
        ),
    )
)
def test_any_json_is_a_flow_or_a_list_of_mistakes(content: object) -> None:
    mistakes: tuple[Mistake, ...] = ()
    flow = None
    try:
        flow = parse_flow(json.dumps(content))
    except FlowMistakes as refusal:
        mistakes = refusal.mistakes
    assert isinstance(flow, Flow) or mistakes


@pytest.mark.parametrize("definition", ["", "[" * 100_000, "NaN", "{" * 10, " " * 1_000_001])
def test_what_is_not_json_is_refused(definition: str) -> None:
    with pytest.raises(FlowMistakes):
        parse_flow(definition)
