"""The verb `hangup`."""

from typing import Literal

from ivr.flows.node import Name, Node
from ivr.flows.session import Session


class HangUp(Node):
    """Ends the call, after a last prompt if there is one.

    {"id": "end", "verb": "hangup", "prompt": "goodbye"}
    """

    verb: Literal["hangup"]
    prompt: Name | None = None

    def prompts(self) -> tuple[str, ...]:
        return (self.prompt,) if self.prompt else ()

    async def run(self, session: Session) -> str | None:
        if self.prompt:
            await session.say(self.prompt)
        return None
