"""The base class of all nodes: identity, exits, and the facts that the linter needs about a verb."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ivr.flows.session import Session
from ivr.prompts.prompt_texts import KEY

TIMEOUT = "timeout"
"""The exit of an unanswered question."""

Name = Annotated[str, StringConstraints(pattern=rf"^{KEY.pattern}$", max_length=60)]
"""A node's id, or the key of a prompt or flow: small letters, digits, single hyphens."""


class Node(BaseModel):
    """One step of a flow. A verb is a subclass in `ivr/verbs`, with the literal field `verb`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    required_exits: ClassVar[frozenset[str]] = frozenset()
    optional_exits: ClassVar[frozenset[str]] = frozenset()
    waits_for_caller: ClassVar[bool] = False
    """Whether every exit except `timeout` needs an action of the caller."""
    needs: ClassVar[frozenset[str]] = frozenset()
    """Values of the session that the verb requires."""
    for_citizens: ClassVar[bool] = False
    """Whether it needs the citizens' desk, which only lines without sign-in have."""
    sentences: ClassVar[tuple[str, ...]] = ()
    """Prompts that the verb plays by itself, with values of its own."""

    id: Name
    exits: dict[str, Name] = Field(default_factory=dict)

    def prompts(self) -> tuple[str, ...]:
        """Return the prompts that the flow's author chose; their values come only from the session."""
        return ()

    def gives(self, exit_name: str) -> frozenset[str]:
        """Return the values that the session has after this exit."""
        return frozenset()

    async def run(self, session: Session) -> str | None:
        """Run the verb and return the exit taken; None to end the call."""
        raise NotImplementedError
