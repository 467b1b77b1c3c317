"""Mistakes in a call flow: the kind, the place, and a message for the author."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from haichieu.errors import UsageError
from haichieu.locale import Field, Message
from haichieu.locale import message as sentence


class MistakeKind(StrEnum):
    """The kinds of mistakes; the catalogue has a sentence for each under `flow.mistake`."""

    NOT_A_FLOW = "not_a_flow"
    MISSING_FIELD = "missing_field"
    TWICE_IN_AN_OBJECT = "twice_in_an_object"
    WRONG_VERSION = "wrong_version"
    SAME_ID_TWICE = "same_id_twice"
    NO_SUCH_ENTRY = "no_such_entry"
    NO_CALL_BACK_ENTRY = "no_call_back_entry"
    MISSING_EXIT = "missing_exit"
    UNKNOWN_EXIT = "unknown_exit"
    NO_SUCH_NODE = "no_such_node"
    UNREACHABLE = "unreachable"
    NO_PROMPT = "no_prompt"
    VALUE_NOT_KNOWN = "value_not_known"
    NO_DESK_FOR_CITIZENS = "no_desk_for_citizens"
    NOT_FOR_OFFICIALS = "not_for_officials"
    NOT_FOR_CITIZENS = "not_for_citizens"
    NO_ENTRY_FOR_CALLS_OUT = "no_entry_for_calls_out"
    OTHER_NAME = "other_name"
    ENDLESS = "endless"


@dataclass(frozen=True)
class Mistake:
    """One mistake. `place` is the id of a node, or "flow" for the whole flow."""

    kind: MistakeKind
    place: str
    fields: Mapping[str, Field] = field(default_factory=dict)

    @property
    def words(self) -> Message:
        """The message without the place, for a reader who sees the place."""
        return Message(f"flow.mistake.{self.kind}", self.fields)

    @property
    def message(self) -> Message:
        """The message with the place."""
        return sentence("flow.mistake_at", place=self.place, mistake=self.words)


class FlowMistakes(UsageError):
    """A flow cannot be used; `mistakes` lists everything that is wrong with it."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(Message.lines(each.message for each in self.mistakes))


def mistake(kind: MistakeKind, place: str, /, **fields: Field) -> Mistake:
    """Return a mistake; `fields` are those of its sentence in the catalogue."""
    return Mistake(kind, _written(place), {name: _printable(value) for name, value in fields.items()})


def not_a_flow(problem: Message, place: str = "flow") -> Mistake:
    """Return the mistake of a definition that has the wrong format."""
    return mistake(MistakeKind.NOT_A_FLOW, place, problem=problem)


def _printable(value: Field) -> Field:
    match value:
        case str():
            return _written(value)
        case Message():
            return Message(value.key, {name: _printable(one) for name, one in value.fields.items()})
        case _:
            return value


def _written(text: str) -> str:
    """Escape lone surrogates, which JSON can name but which no page, log or database can show."""
    return text.encode("utf-8", "backslashreplace").decode()
