"""The verb `speak-more`."""

from typing import ClassVar, Literal

from pydantic import Field

from feedback.intake.voice_messages import NothingSaid
from haichieu.media import DiskFull
from ivr.desks.protocols import AnswerDesk
from ivr.flows.node import Node
from ivr.flows.review import KEEP, review
from ivr.flows.session import Line, Session


class SpeakMore(Node):
    """Records a citizen's reaction to the last answer: a further message in the same case.

    Hanging up after the tone also leaves the message, unless the caller chose to record again.

    {"id": "speak-more", "verb": "speak-more", "max_minutes": 5, "exits": {"done": "answers"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    waits_for_caller: ClassVar[bool] = True
    sentences: ClassVar[tuple[str, ...]] = (
        "speak-more-instructions",
        "speak-more-kept",
        "speak-more-failed",
        "record-menu",
        "recording-silent",
    )

    verb: Literal["speak-more"]
    max_minutes: int = Field(5, ge=1, le=30)
    silence_seconds: int = Field(8, ge=3, le=60)

    async def run(self, session: Session) -> str | None:
        desk = session.answer_desk
        if desk is None:
            return "done"
        try:
            name = await desk.begin_message()
        except DiskFull:
            await session.say("speak-more-failed")
            return "done"
        try:
            return await self._record(session, desk, name)
        finally:
            desk.release_message(name)

    async def _record(self, session: Session, desk: AnswerDesk, name: str) -> str | None:
        while True:
            await session.say("speak-more-instructions")
            if not await session.call.record(
                name, max_seconds=self.max_minutes * 60, silence_seconds=self.silence_seconds
            ):
                await session.say("speak-more-failed")
                return "done"
            key = await review(session, Line("record-menu"), desk.message_sound(name))
            if key is None:
                return None
            if key == KEEP:
                try:
                    await desk.keep_message(name)
                except NothingSaid:
                    await session.say("recording-silent")
                else:
                    await session.say("speak-more-kept")
                return "done"
            desk.discard_message(name)
