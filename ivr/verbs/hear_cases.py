"""The verb `hear-cases`."""

from typing import ClassVar, Literal

from pydantic import Field

from feedback.answers.phone_answers import AnswerNotAllowed, NotTaken
from haichieu.audio.ingest import UnusableSound
from haichieu.media import DiskFull
from ivr.desks.protocols import WaitingCase
from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import Node
from ivr.flows.review import KEEP, review
from ivr.flows.session import Line, Session
from ivr.prompts.spoken_time import spoken_moment

ANSWER, NEXT, AGAIN, BACK = "1", "2", "3", "*"


class HearCases(Node):
    """Plays an official the unanswered cases of their unit and below, oldest first, and records an answer to each.

    The citizen is never named. The answer is delivered by call, or on air after approval when the citizen is anonymous.
    An answer that was recorded and not sent becomes a note in the case.

    {"id": "cases", "verb": "hear-cases", "exits": {"done": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    needs: ClassVar[frozenset[str]] = frozenset({"official"})
    sentences: ClassVar[tuple[str, ...]] = (
        "no-new-cases",
        "new-cases",
        "no-more-cases",
        "case-heading",
        "case-heading-unsorted",
        "case-menu",
        "answer-review",
        "answer-not-allowed",
        "answer-by-call",
        "answer-on-air",
        "answer-not-taken",
        "record-instructions",
        "record-failed",
        "recording-silent",
        "disk-full",
    )

    verb: Literal["hear-cases"]
    max_minutes: int = Field(5, ge=1, le=30)
    silence_seconds: int = Field(10, ge=3, le=60)

    async def run(self, session: Session) -> str | None:
        desk = session.desk.cases
        waiting = await desk.new_cases(session.require_official().id)
        if not waiting:
            await session.say("no-new-cases")
            return "done"
        await session.say("new-cases", cases=len(waiting))
        try:
            for case_id in waiting:
                if (case := await desk.open_case(case_id)) is not None:
                    key = await self._hear(session, case)
                    if key is None:
                        return None
                    if key == BACK:
                        return "done"
        finally:
            desk.forget_sounds()
        await session.say("no-more-cases")
        return "done"

    async def _hear(self, session: Session, case: WaitingCase) -> str | None:
        """Play one case and record an answer; return BACK or NEXT, None to end the call."""
        whole = [*await session.sounds(_heading(session, case)), *case.sounds]
        played = whole
        while True:
            reply = await ask(
                session,
                Line("case-menu"),
                played=played,
                max_digits=1,
                terminator="",
                accepts=lambda key: key in ANSWER + NEXT + AGAIN + BACK,
            )
            if reply.ending is not Ending.ANSWERED:
                return None
            if reply.keys in (NEXT, BACK):
                return reply.keys
            played = whole if reply.keys == AGAIN else []
            if reply.keys == ANSWER:
                answered = await self._answer(session, case)
                if answered is not False:
                    return NEXT if answered else None

    async def _answer(self, session: Session, case: WaitingCase) -> bool | None:
        """Record an answer; return whether the case is finished, None to end the call."""
        desk = session.desk.cases
        try:
            name = await desk.begin_answer(session.require_official().id, case.id)
        except AnswerNotAllowed:
            await session.say("answer-not-allowed")
            return False
        except DiskFull:
            await session.say("disk-full")
            return False
        try:
            while True:
                await session.say("record-instructions")
                if not await session.call.record(
                    name, max_seconds=self.max_minutes * 60, silence_seconds=self.silence_seconds
                ):
                    await session.say("record-failed")
                    return False
                key = await review(session, Line("answer-review"), desk.answer_sound(name))
                if key is None:
                    return None
                if key == KEEP:
                    return await _send(session, name)
                desk.discard_answer(name)
        finally:
            desk.release_answer(name)


async def _send(session: Session, name: str) -> bool:
    try:
        by_call = await session.desk.cases.send_answer(name)
    except UnusableSound:
        await session.say("recording-silent")
        return False
    except NotTaken:
        await session.say("answer-not-taken")
        return True
    await session.say("answer-by-call" if by_call else "answer-on-air")
    return True


def _heading(session: Session, case: WaitingCase) -> Line:
    when = spoken_moment(case.opened_at, session.language)
    if not case.category:
        return Line("case-heading-unsorted", {"number": case.number, "when": when})
    return Line("case-heading", {"number": case.number, "category": case.category, "when": when})
