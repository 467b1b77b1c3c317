"""The verb `authenticate`."""

from typing import ClassVar, Literal

from haichieu.phone_sign_in import LockedOut, WrongPin
from ivr.flows.dialogue import TRIES, Ending, ask
from ivr.flows.node import Name, Node
from ivr.flows.session import Line, Session


class Authenticate(Node):
    """Lets an official sign in: a known caller by PIN, any other by staff code and PIN.

    The words are the same whether the code or the PIN was wrong. `refused` is taken after three wrong attempts,
    `locked` when the station has locked this official or caller.

    {"id": "sign-in", "verb": "authenticate", "greeting": "greeting-official",
     "exits": {"signed-in": "main-menu", "refused": "refused", "locked": "locked"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"signed-in", "refused", "locked"})
    waits_for_caller: ClassVar[bool] = True
    sentences: ClassVar[tuple[str, ...]] = ("ask-staff-code", "ask-pin", "wrong-pin")

    verb: Literal["authenticate"]
    greeting: Name | None = None
    """Played before the first question, and cut short by a key."""

    def prompts(self) -> tuple[str, ...]:
        return (self.greeting,) if self.greeting else ()

    def gives(self, exit_name: str) -> frozenset[str]:
        return frozenset({"official"} if exit_name == "signed-in" else ())

    async def run(self, session: Session) -> str | None:
        questions = ["ask-pin"]
        if not await session.desk.knows_caller(session.call.caller_number):
            questions.insert(0, "ask-staff-code")
        before = [Line(self.greeting)] if self.greeting else []
        for _ in range(TRIES):
            keys: list[str] = []
            for question in questions:
                reply = await ask(session, Line(question), before=before)
                if reply.ending is not Ending.ANSWERED:
                    return None
                keys.append(reply.keys)
                before = []
            *code, pin = keys
            try:
                session.official = await session.desk.sign_in(
                    session.call.caller_number, code[0] if code else None, pin
                )
            except WrongPin:
                session.call.forget_keys()
                before = [Line("wrong-pin")]
            except LockedOut:
                return "locked"
            else:
                return "signed-in"
        return "refused"
