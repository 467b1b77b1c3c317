"""The verb `set-pin`."""

from typing import ClassVar, Literal

from haichieu.pins import ShortPin, SimplePin
from ivr.flows.dialogue import TRIES, Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session


class SetPin(Node):
    """Lets an official choose another PIN, keyed in twice. `refused` is taken after three that were refused.

    {"id": "set-pin", "verb": "set-pin", "exits": {"done": "changed", "refused": "not-changed"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done", "refused"})
    waits_for_caller: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"official"})
    sentences: ClassVar[tuple[str, ...]] = (
        "ask-new-pin",
        "ask-new-pin-again",
        "pins-differ",
        "pin-too-simple",
        "pin-too-short",
    )

    verb: Literal["set-pin"]

    async def run(self, session: Session) -> str | None:
        before: list[Line] = []
        for _ in range(TRIES):
            keys: list[str] = []
            for question in ("ask-new-pin", "ask-new-pin-again"):
                reply = await ask(session, Line(question), before=before)
                if reply.ending is not Ending.ANSWERED:
                    return None
                keys.append(reply.keys)
                before = []
            before = [Line("pins-differ")]
            if keys[0] == keys[1]:
                try:
                    await session.desk.choose_pin(session.require_official().id, keys[0])
                except SimplePin:
                    before = [Line("pin-too-simple")]
                except ShortPin:
                    before = [Line("pin-too-short")]
                else:
                    return "done"
            session.call.forget_keys()
        return "refused"
