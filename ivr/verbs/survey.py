"""The verb `survey`."""

from typing import ClassVar, Literal

from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session


class Survey(Node):
    """Asks whether the last bulletin was useful, 1 or 2; a silent caller is not asked again.

    {"id": "useful", "verb": "survey", "exits": {"done": "bulletins"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    for_citizens: ClassVar[bool] = True
    waits_for_caller: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"bulletin"})
    sentences: ClassVar[tuple[str, ...]] = ("ask-useful", "thanks-for-vote")

    verb: Literal["survey"]

    async def run(self, session: Session) -> str | None:
        bulletin, session.bulletin = session.bulletin, None
        if bulletin is None:
            return "done"
        reply = await ask(
            session,
            Line("ask-useful"),
            max_digits=1,
            terminator="",
            accepts=lambda key: key in "12",
            leave_on_silence=True,
        )
        if reply.ending is Ending.GAVE_UP:
            return None
        if reply.keys:
            await session.require_citizens().vote(bulletin, session.require_commune(), useful=reply.keys == "1")
            await session.say("thanks-for-vote")
        return "done"
