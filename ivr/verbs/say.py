"""The verb `say`."""

from typing import ClassVar, Literal

from ivr.flows.node import Name, Node
from ivr.flows.session import Session


class Say(Node):
    """Plays a prompt to its end and continues.

    {"id": "welcome", "verb": "say", "prompt": "greeting-official", "exits": {"next": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"next"})

    verb: Literal["say"]
    prompt: Name

    def prompts(self) -> tuple[str, ...]:
        return (self.prompt,)

    async def run(self, session: Session) -> str | None:
        await session.say(self.prompt)
        return "next"
