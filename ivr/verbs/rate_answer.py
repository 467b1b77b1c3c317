"""The verb `rate-answer`."""

from typing import ClassVar, Literal

from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session

SATISFIED, NOT_SATISFIED = "1", "2"


class RateAnswer(Node):
    """Asks once whether the citizen is satisfied with the answers of the call, 1 or 2; a silent citizen is not urged.

    {"id": "rating", "verb": "rate-answer", "exits": {"done": "end"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    sentences: ClassVar[tuple[str, ...]] = ("ask-satisfied", "thanks-for-vote")

    verb: Literal["rate-answer"]

    async def run(self, session: Session) -> str | None:
        """Ask, unless no answer was heard; end the call after too many wrong keys."""
        desk = session.answer_desk
        if desk is None or not desk.has_heard:
            return "done"
        reply = await ask(
            session,
            Line("ask-satisfied"),
            max_digits=1,
            terminator="",
            accepts=lambda key: key in SATISFIED + NOT_SATISFIED,
            leave_on_silence=True,
        )
        if reply.ending is Ending.GAVE_UP:
            return None
        if reply.keys:
            await desk.rate(satisfied=reply.keys == SATISFIED)
            await session.say("thanks-for-vote")
        return "done"
