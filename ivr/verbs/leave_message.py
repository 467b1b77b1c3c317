"""The verb `leave-message`."""

from typing import ClassVar, Literal

from pydantic import Field

from feedback.intake.voice_messages import NothingSaid
from haichieu.media import DiskFull
from ivr.calls.caller_limits import TooManyMessages
from ivr.desks.protocols import CategorySeen
from ivr.flows.dialogue import TRIES, Ending, ask
from ivr.flows.node import Node
from ivr.flows.review import AGAIN, review
from ivr.flows.session import Line, Session

INSTRUCTIONS_SECONDS = 60
"""Limit of the part of a recording that precedes the tone."""
NOT_SURE = "0"
WITHOUT_NUMBER = "4"


class LeaveMessage(Node):
    """Records a message: category, tone, message, confirmation; then the caller hears the case number.

    A single category is not asked for. Words before and over the tone belong to the message, and the instructions do
    not: the caller's side is recorded from the instructions on. Hanging up or staying silent after the tone keeps it;
    only recording again discards it. Key 4 keeps it without the caller's number. The case is committed before the
    caller is thanked.

    {"id": "message", "verb": "leave-message", "max_minutes": 5, "exits": {"done": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    for_citizens: ClassVar[bool] = True
    waits_for_caller: ClassVar[bool] = True
    sentences: ClassVar[tuple[str, ...]] = (
        "ask-category",
        "category-choice",
        "category-not-sure",
        "message-instructions",
        "message-menu",
        "message-silent",
        "message-kept",
        "case-number",
        "message-not-recorded",
        "message-disk-full",
        "too-many-messages",
    )

    verb: Literal["leave-message"]
    max_minutes: int = Field(5, ge=1, le=30)
    silence_seconds: int = Field(8, ge=3, le=60)

    async def run(self, session: Session) -> str | None:
        desk, session.case_number = session.require_citizens(), ""
        category = await self._category(session)
        if isinstance(category, Ending):
            return None
        try:
            name = await desk.begin_message(category, session.language)
        except TooManyMessages:
            await session.say("too-many-messages")
            return "done"
        except DiskFull:
            await session.say("message-disk-full")
            return "done"
        try:
            return await self._record(session, name)
        finally:
            desk.release_message(name)

    async def _category(self, session: Session) -> CategorySeen | Ending | None:
        """Return the category; None for a caller who is not sure, an Ending to end the call."""
        categories = {category.key: category for category in await session.require_citizens().categories()}
        if len(categories) < 2:
            return next(iter(categories.values()), None)
        reply = await ask(
            session,
            Line("ask-category"),
            after=[
                *(Line("category-choice", {"name": one.name, "key": one.key}) for one in categories.values()),
                Line("category-not-sure"),
            ],
            max_digits=1,
            terminator="",
            accepts=lambda key: key == NOT_SURE or key in categories,
        )
        return categories.get(reply.keys) if reply.ending is Ending.ANSWERED else reply.ending

    async def _record(self, session: Session, name: str) -> str | None:
        desk = session.require_citizens()
        for _ in range(TRIES):
            most = self.max_minutes * 60
            async with desk.recorded_meanwhile(name, most + INSTRUCTIONS_SECONDS):
                await session.say("message-instructions")
                recorded = await session.call.record(name, max_seconds=most, silence_seconds=self.silence_seconds)
            if not recorded:
                await session.say("message-not-recorded")
                return "done"
            if not await desk.has_speech(name):
                desk.forget_sound(name)
                await session.say("message-silent")
                continue
            key = await self._reviewed(session, name)
            if key != AGAIN:
                await self._keep(session, name, anonymous=key == WITHOUT_NUMBER)
                return "done" if key is not None else None
        await desk.discard_message(name)
        return "done"

    async def _reviewed(self, session: Session, name: str) -> str | None:
        """Review the recording; only recording again discards it."""
        sound = session.require_citizens().message_sound(name)
        key = await review(session, Line("message-menu"), sound, more_keys=WITHOUT_NUMBER)
        if key == AGAIN:
            session.require_citizens().forget_sound(name)
        return key

    async def _keep(self, session: Session, name: str, *, anonymous: bool) -> None:
        try:
            number = await session.require_citizens().keep_message(name, anonymous=anonymous)
        except NothingSaid:
            await session.say("message-silent")
            return
        session.case_number = "" if anonymous else number
        spoken = Line("case-number", {"first": number[:4], "second": number[4:]})
        await session.call.say(*await session.sounds(Line("message-kept"), spoken, spoken))
