"""A call flow as data: nodes with exits, read from JSON and checked for its shape.

Whether the nodes make sense together is `linter`'s; what they do is in `verbs`.

    {"flow": "closed", "version": 1, "title": {"vi": "…", "en": "…"}, "start": "closed",
     "nodes": [{"id": "closed", "verb": "hangup", "prompt": "goodbye"}]}
"""

import json
from collections.abc import Iterator
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ivr.flows.mistakes import FlowMistakes, Mistake, MistakeKind
from ivr.flows.node import Name
from ivr.verbs.acknowledge import Acknowledge
from ivr.verbs.ask import Ask
from ivr.verbs.authenticate import Authenticate
from ivr.verbs.await_hour import AwaitHour
from ivr.verbs.case_status import TellCaseStatus
from ivr.verbs.choose_language import ChooseLanguage
from ivr.verbs.choose_unit import ChooseUnit
from ivr.verbs.choose_zone import ChooseZone
from ivr.verbs.go_live import GoLive
from ivr.verbs.hangup import HangUp
from ivr.verbs.hear_cases import HearCases
from ivr.verbs.leave_message import LeaveMessage
from ivr.verbs.listen import Listen
from ivr.verbs.menu import Menu
from ivr.verbs.play_answer import PlayAnswer
from ivr.verbs.record_programme import RecordProgramme
from ivr.verbs.report import Report
from ivr.verbs.say import Say
from ivr.verbs.set_pin import SetPin
from ivr.verbs.speak_more import SpeakMore
from ivr.verbs.survey import Survey
from ivr.verbs.transfer import Transfer

FORMAT_VERSION = 1
_IN_VIETNAMESE = {
    "greater_than": "phải lớn hơn {gt}",
    "greater_than_equal": "ít nhất là {ge}",
    "less_than_equal": "nhiều nhất là {le}",
    "int_type": "phải là số nguyên",
    "float_type": "phải là số",
    "extra_forbidden": "không có mục này",
}
LONGEST_DEFINITION = 1_000_000
"""Characters of JSON."""

AnyNode = Annotated[
    Say
    | Menu
    | Ask
    | Authenticate
    | Acknowledge
    | ChooseZone
    | AwaitHour
    | GoLive
    | RecordProgramme
    | Report
    | ChooseLanguage
    | ChooseUnit
    | Listen
    | Survey
    | LeaveMessage
    | TellCaseStatus
    | Transfer
    | HearCases
    | PlayAnswer
    | SpeakMore
    | SetPin
    | HangUp,
    Field(discriminator="verb"),
]


class Flow(BaseModel):
    """A call flow. `version` is that of the format, so that a later program can migrate an older definition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flow: Name
    version: Literal[1]
    title: dict[str, str] = Field(min_length=1)
    start: Name
    call_back_entry: Name | None = None
    """Where a call begins that the station itself placed to the official's registered number."""
    nodes: tuple[AnyNode, ...] = Field(max_length=500)

    @property
    def is_for_officials(self) -> bool:
        """Say whether callers sign in on it; on any other line nobody is to know who called."""
        return any(isinstance(node, Authenticate) for node in self.nodes)


def parse_flow(definition: str) -> Flow:
    """Read a definition. Raises FlowMistakes when it is not JSON, not of this version, or of a wrong shape."""
    if len(definition) > LONGEST_DEFINITION:
        raise FlowMistakes([_not_a_flow(f"more than {LONGEST_DEFINITION} characters")])
    content = read_json(definition)
    version = content.get("version", FORMAT_VERSION) if isinstance(content, dict) else FORMAT_VERSION
    if version != FORMAT_VERSION:
        details = (json.dumps(version)[:40], str(FORMAT_VERSION))
        raise FlowMistakes([Mistake(MistakeKind.WRONG_VERSION, "flow", details)])
    try:
        return Flow.model_validate(content)
    except ValidationError as problem:
        raise FlowMistakes(_shape_mistakes(problem, content)) from problem


def delivered_flow(key: str) -> Flow:
    """Return a flow that comes with the program. Raises KeyError for one that does not."""
    return parse_flow(delivered_definition(key))


def delivered_definition(key: str) -> str:
    """Return the JSON of a flow that comes with the program. Raises KeyError for one that does not."""
    if key not in delivered_flows():
        raise KeyError(key)
    return (resources.files("ivr") / "flows" / f"{key}.json").read_text("utf-8")


def delivered_flows() -> frozenset[str]:
    """Return the keys of the flows that come with the program."""
    files = (resources.files("ivr") / "flows").iterdir()
    return frozenset(file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))


def read_json(definition: str) -> object:
    """Read JSON in which no object has a name twice, which JSON allows and a menu must not. Raises FlowMistakes."""
    mistakes: list[Mistake] = []
    without_place: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        names = [name for name, _ in pairs]
        without_place.extend(name for name in content if names.count(name) > 1)
        if isinstance(content.get("id"), str):
            mistakes.extend(_twice(content["id"], without_place))
            without_place.clear()
        return content

    try:
        content: object = json.loads(definition, object_pairs_hook=once)
    except (ValueError, RecursionError) as problem:
        raise FlowMistakes([_not_a_flow(f"JSON: {problem}")]) from problem
    mistakes.extend(_twice("flow", without_place))
    if mistakes:
        raise FlowMistakes(mistakes)
    return content


def _twice(place: str, names: list[str]) -> list[Mistake]:
    return [Mistake(MistakeKind.TWICE_IN_AN_OBJECT, place, (name,)) for name in names]


def _not_a_flow(problem: str) -> Mistake:
    return Mistake(MistakeKind.NOT_A_FLOW, "flow", (problem,))


def _shape_mistakes(problem: ValidationError, content: object) -> Iterator[Mistake]:
    for error in problem.errors(include_url=False):
        match error["loc"]:
            case ("nodes", int(index), *rest):
                node = content["nodes"][index] if isinstance(content, dict) else None
                place = str(node.get("id", f"nodes[{index}]")) if isinstance(node, dict) else f"nodes[{index}]"
                field = rest[1:]  # the first is the verb, by which pydantic tells the nodes apart
            case loc:
                place, field = "flow", list(loc)
        where = ".".join(str(part) for part in field)
        if error["type"] == "missing":
            yield Mistake(MistakeKind.MISSING_FIELD, place, (where,))
            continue
        message = error["msg"].removeprefix("Value error, ")
        if error["type"] in _IN_VIETNAMESE:
            message = f"{_IN_VIETNAMESE[error['type']].format(**error.get('ctx', {}))} / {message}"
        halves = [f"{where}: {half}" if where else half for half in message.split(" / ", 1)]
        yield Mistake(MistakeKind.NOT_A_FLOW, place, (" / ".join(halves),))
