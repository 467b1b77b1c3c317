"""What all nodes of a flow have in common: an identity, exits, and what the linter must know about a verb."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ivr.flows.session import Session
from ivr.prompts.texts import KEY

TIMEOUT = "timeout"
"""The exit of a question that nobody answered."""

Name = Annotated[str, StringConstraints(pattern=rf"^{KEY.pattern}$", max_length=60)]
"""A node's id, or the key of a prompt or flow: small letters, digits, single hyphens."""


class Node(BaseModel):
    """One step of a flow. A verb is a subclass in `ivr/verbs`, with the literal field `verb`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    required_exits: ClassVar[frozenset[str]] = frozenset()
    optional_exits: ClassVar[frozenset[str]] = frozenset()
    waits_for_caller: ClassVar[bool] = False
    """Whether the caller must do something before any exit but `timeout` is taken."""
    needs: ClassVar[frozenset[str]] = frozenset()
    """Values of the session without which the verb cannot run."""
    for_citizens: ClassVar[bool] = False
    """Whether it asks the desk for citizens, which lines have on which nobody signs in."""
    sentences: ClassVar[tuple[str, ...]] = ()
    """Prompts that the verb says by itself and fills with values of its own."""

    id: Name
    exits: dict[str, Name] = Field(default_factory=dict)

    def prompts(self) -> tuple[str, ...]:
        """Prompts that the flow's author chose; their values can only come from the session."""
        return ()

    def gives(self, exit_name: str) -> frozenset[str]:
        """Values that the session holds once the node was left by this exit."""
        return frozenset()

    async def run(self, session: Session) -> str | None:
        """Do it, and return the exit taken; None when the call is to be ended."""
        raise NotImplementedError
