"""The verb `authenticate`."""

from typing import ClassVar, Literal

from haichieu.phone_sign_in import CallBackNeeded, LockedOut, WrongPin
from ivr.flows.dialogue import TRIES, Ending, ask
from ivr.flows.node import Name, Node
from ivr.flows.session import Line, Session


class Authenticate(Node):
    """Lets an official sign in: a known caller by PIN, any other by staff code and PIN.

    The words are the same whether the code or the PIN was wrong. `refused` is taken after three wrong attempts,
    `locked` when there were too many wrong attempts for this official, from this caller, or at the station. A
    registered number is not locked: the call ends, and the station calls that number to ask for the PIN.

    {"id": "sign-in", "verb": "authenticate", "greeting": "greeting-official",
     "exits": {"signed-in": "main-menu", "refused": "refused", "locked": "locked"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"signed-in", "refused", "locked"})
    waits_for_caller: ClassVar[bool] = True
    sentences: ClassVar[tuple[str, ...]] = ("ask-staff-code", "ask-pin", "wrong-pin", "sign-in-call-back")

    verb: Literal["authenticate"]
    greeting: Name | None = None
    """Played before the first question, and cut short by a key."""

    def prompts(self) -> tuple[str, ...]:
        return (self.greeting,) if self.greeting else ()

    def gives(self, exit_name: str) -> frozenset[str]:
        return frozenset({"official"} if exit_name == "signed-in" else ())

    async def run(self, session: Session) -> str | None:
        caller, called_back = session.call.caller_number, session.called_back
        questions = ["ask-pin"]
        if not await session.desk.knows_caller(caller, called_back=called_back):
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
                    caller, code[0] if code else None, pin, called_back=called_back
                )
            except WrongPin:
                session.call.forget_keys()
                before = [Line("wrong-pin")]
            except LockedOut:
                return "locked"
            except CallBackNeeded:
                await session.say("sign-in-call-back")
                return None
            else:
                return "signed-in"
        return "refused"
