"""The verb `acknowledge`."""

from typing import ClassVar, Literal

from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session


class Acknowledge(Node):
    """Lets an official acknowledge an emergency that is repeated where they answer: it falls silent there.

    Without an emergency, nothing is played. A caller who presses another key, or none, continues while it is repeated.

    {"id": "emergency-here", "verb": "acknowledge", "exits": {"done": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    needs: ClassVar[frozenset[str]] = frozenset({"official"})
    sentences: ClassVar[tuple[str, ...]] = ("emergency-here", "emergency-acknowledged")

    verb: Literal["acknowledge"]

    async def run(self, session: Session) -> str | None:
        official = session.require_official()
        if not await session.desk.emergency_sounds(official.id):
            return "done"
        reply = await ask(
            session,
            Line("emergency-here"),
            max_digits=1,
            terminator="",
            accepts=lambda key: key in "12",
            leave_on_silence=True,
        )
        if reply.ending is Ending.GAVE_UP:
            return None
        if reply.keys == "1":
            await session.say("emergency-acknowledged", speakers=await session.desk.acknowledge(official.id))
        return "done"
