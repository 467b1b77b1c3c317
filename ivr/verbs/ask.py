"""The verb `ask`."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints

from haichieu.errors import InvalidValue
from ivr.flows import dialogue
from ivr.flows.dialogue import Ending
from ivr.flows.node import TIMEOUT, Name, Node
from ivr.flows.session import Line, Session

SESSION_VALUES = frozenset({"official", "zone", "reachable", "total", "unit", "bulletin"})


def _not_taken(name: str) -> str:
    if name in SESSION_VALUES:
        raise InvalidValue("flow.reserved_name", name=name)
    return name


class Ask(Node):
    """Asks for digits, ended by `#`, by their number or by a pause, and stores them for prompts that name them.

    {"id": "ask-number", "verb": "ask", "prompt": "ask-number", "save_as": "number", "max_digits": 8,
     "exits": {"answered": "repeat-number", "timeout": "goodbye"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"answered"})
    optional_exits: ClassVar[frozenset[str]] = frozenset({TIMEOUT})
    waits_for_caller: ClassVar[bool] = True

    verb: Literal["ask"]
    prompt: Name
    save_as: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$"), AfterValidator(_not_taken)]
    max_digits: int = Field(20, ge=1, le=40)
    seconds: float = Field(6.0, gt=0, le=60)

    def prompts(self) -> tuple[str, ...]:
        return (self.prompt,)

    def gives(self, exit_name: str) -> frozenset[str]:
        """Return the name of the answer."""
        return frozenset({self.save_as} if exit_name == "answered" else ())

    async def run(self, session: Session) -> str | None:
        reply = await dialogue.ask(
            session,
            Line(self.prompt),
            max_digits=self.max_digits,
            first_digit_seconds=self.seconds,
            leave_on_silence=TIMEOUT in self.exits,
        )
        if reply.ending is Ending.SILENT:
            return TIMEOUT
        if reply.ending is Ending.GAVE_UP:
            return None
        session.answers[self.save_as] = reply.keys
        return "answered"
