"""The verb `case-status`."""

from typing import ClassVar, Literal

from feedback.cases.case_lifecycle import NoSuchCase
from feedback.cases.case_numbers import WrongCheckDigit, read_case_number
from feedback.states import CaseStatus
from ivr.calls.caller_limits import TooManyCaseNumbers
from ivr.flows.dialogue import TRIES, Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session


class TellCaseStatus(Node):
    """Tells the status of a case whose number is keyed in, and plays its answers.

    A mistyped number and an unknown one get different prompts. After three wrong numbers per call no more are accepted,
    and wrong numbers are limited per caller and line, so that nobody finds other people's cases by trying.

    {"id": "status", "verb": "case-status", "exits": {"done": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    for_citizens: ClassVar[bool] = True
    waits_for_caller: ClassVar[bool] = True
    sentences: ClassVar[tuple[str, ...]] = (
        "ask-case",
        "case-mistyped",
        "case-unknown",
        "case-no-more-tries",
        "case-too-many-tries",
        "case-answer",
        *(f"case-is-{status}" for status in CaseStatus),
    )

    verb: Literal["case-status"]

    async def run(self, session: Session) -> str | None:
        before: list[Line] = []
        session.case_number = ""
        while session.wrong_cases < TRIES:
            reply = await ask(session, Line("ask-case"), before=before, first_digit_seconds=10.0)
            if reply.ending is not Ending.ANSWERED:
                return None
            try:
                case = await session.require_citizens().case(reply.keys)
            except WrongCheckDigit:
                before = [Line("case-mistyped")]
            except NoSuchCase:
                before = [Line("case-unknown")]
            except TooManyCaseNumbers:
                await session.say("case-too-many-tries")
                return "done"
            else:
                session.case_number = read_case_number(reply.keys)
                lines = [Line(f"case-is-{case.status}"), *([Line("case-answer")] if case.answers else [])]
                await session.call.say(*await session.sounds(*lines), *case.answers)
                return "done"
            session.wrong_cases += 1
            session.call.forget_keys()
        await session.call.say(*await session.sounds(*before, Line("case-no-more-tries")))
        return "done"
