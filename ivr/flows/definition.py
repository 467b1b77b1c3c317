"""A call flow as data: nodes with exits, read from JSON and checked for its shape.

Whether the nodes make sense together is `linter`'s; what they do is in `verbs`.

    {"flow": "closed", "version": 1, "title": {"vi": "…", "en": "…"}, "start": "closed",
     "nodes": [{"id": "closed", "verb": "hangup", "prompt": "goodbye"}]}
"""

import json
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from haichieu.errors import InvalidValue
from haichieu.locale import Message, message
from ivr.flows.mistakes import FlowMistakes, Mistake, MistakeKind, mistake, not_a_flow
from ivr.flows.node import Name
from ivr.verbs.acknowledge import Acknowledge
from ivr.verbs.ask import Ask
from ivr.verbs.ask_consent import AskConsent
from ivr.verbs.authenticate import Authenticate
from ivr.verbs.await_hour import AwaitHour
from ivr.verbs.case_rights import CaseRights
from ivr.verbs.case_status import TellCaseStatus
from ivr.verbs.choose_language import ChooseLanguage
from ivr.verbs.choose_unit import ChooseUnit
from ivr.verbs.choose_zone import ChooseZone
from ivr.verbs.close_repair import CloseRepair
from ivr.verbs.go_live import GoLive
from ivr.verbs.hangup import HangUp
from ivr.verbs.hear_bulletins import HearBulletins
from ivr.verbs.hear_cases import HearCases
from ivr.verbs.hear_programmes import HearProgrammes
from ivr.verbs.hear_repairs import HearRepairs
from ivr.verbs.leave_message import LeaveMessage
from ivr.verbs.listen import Listen
from ivr.verbs.menu import Menu
from ivr.verbs.play_answer import PlayAnswer
from ivr.verbs.rate_answer import RateAnswer
from ivr.verbs.record_programme import RecordProgramme
from ivr.verbs.report import Report
from ivr.verbs.report_fault import ReportFault
from ivr.verbs.say import Say
from ivr.verbs.set_pin import SetPin
from ivr.verbs.speak_more import SpeakMore
from ivr.verbs.survey import Survey
from ivr.verbs.transfer import Transfer

FORMAT_VERSION = 1
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
    | AskConsent
    | TellCaseStatus
    | CaseRights
    | Transfer
    | HearCases
    | HearBulletins
    | HearProgrammes
    | PlayAnswer
    | SpeakMore
    | ReportFault
    | HearRepairs
    | CloseRepair
    | RateAnswer
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
        """Return whether callers sign in; on any other line the caller is not identified."""
        return any(isinstance(node, Authenticate) for node in self.nodes)


def parse_flow(definition: str) -> Flow:
    """Read a definition. Raises FlowMistakes when it is not JSON, not of this version, or of a wrong shape."""
    if len(definition) > LONGEST_DEFINITION:
        raise FlowMistakes([not_a_flow(message("flow.shape.too_long_definition", most=LONGEST_DEFINITION))])
    content = read_json(definition)
    version = content.get("version", FORMAT_VERSION) if isinstance(content, dict) else FORMAT_VERSION
    if version != FORMAT_VERSION:
        found = json.dumps(version)[:40]
        raise FlowMistakes([mistake(MistakeKind.WRONG_VERSION, "flow", found=found, known=FORMAT_VERSION)])
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
        raise FlowMistakes([not_a_flow(message("flow.shape.not_json", problem=str(problem)))]) from problem
    mistakes.extend(_twice("flow", without_place))
    if mistakes:
        raise FlowMistakes(mistakes)
    return content


def _twice(place: str, names: list[str]) -> list[Mistake]:
    return [mistake(MistakeKind.TWICE_IN_AN_OBJECT, place, name=name) for name in names]


_SHAPE_PROBLEMS: Mapping[str, tuple[str, ...]] = {
    "bool_parsing": (),
    "bool_type": (),
    "dict_type": (),
    "extra_forbidden": (),
    "float_parsing": (),
    "float_type": (),
    "greater_than": ("gt",),
    "greater_than_equal": ("ge",),
    "int_from_float": (),
    "int_parsing": (),
    "int_type": (),
    "less_than_equal": ("le",),
    "literal_error": ("expected",),
    "model_type": (),
    "model_attributes_type": (),
    "string_pattern_mismatch": ("pattern",),
    "string_too_long": ("max_length",),
    "string_too_short": ("min_length",),
    "string_type": (),
    "too_long": ("max_length",),
    "too_short": ("min_length",),
    "tuple_type": (),
    "union_tag_invalid": ("tag",),
    "union_tag_not_found": (),
}
"""Pydantic's types of errors that the catalogue has, with what each takes of the error's context."""


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
            yield mistake(MistakeKind.MISSING_FIELD, place, field=where)
            continue
        said = _shape_problem(error)
        yield not_a_flow(message("flow.shape.at_field", field=where, problem=said) if where else said, place)


def _shape_problem(error: ErrorDetails) -> Message:
    """Return the message of a pydantic error: our own, one of the catalogue, or pydantic's English words."""
    context = error.get("ctx", {})
    if isinstance(refusal := context.get("error"), InvalidValue):
        return refusal.message
    if error["type"] in _SHAPE_PROBLEMS:
        fields = {name: context[name] for name in _SHAPE_PROBLEMS[error["type"]]}
        return message(f"flow.shape.{error['type']}", **fields)
    return Message.verbatim(error["msg"])
