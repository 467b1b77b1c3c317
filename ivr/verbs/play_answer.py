"""The verb `play-answer`."""

import asyncio
from typing import ClassVar, Literal

from ivr.desks.protocols import AnswerDesk, AnswerSeen
from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session
from ivr.prompts.spoken_time import spoken_moment

HEARD, AGAIN, SPEAK = "1", "2", "3"
MOST_TIMES = 5
"""Limit of replays of one answer, against machines that press the key endlessly."""
AFTER_THE_END_SECONDS = 0.2


class PlayAnswer(Node):
    """Plays a citizen the answers of the call; each can be replayed or replied to.

    An answer counts as heard when it was played to its end, or by key. Keys work while it plays.

    {"id": "answers", "verb": "play-answer", "exits": {"done": "end", "speak": "speak-more"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done", "speak"})
    sentences: ClassVar[tuple[str, ...]] = ("answer-of", "answer-menu")

    verb: Literal["play-answer"]

    async def run(self, session: Session) -> str | None:
        """Play the remaining answers; on a call without any, continue at once."""
        desk = session.answer_desk
        while desk is not None and (answer := desk.next_answer()) is not None:
            key = await _tell(session, desk, answer)
            if key is None:
                return None
            if key == SPEAK:
                return "speak"
        return "done"


async def _tell(session: Session, desk: AnswerDesk, answer: AnswerSeen) -> str | None:
    """Play one answer until the citizen moves on; return the last key, None to end the call."""
    for _ in range(MOST_TIMES):
        await session.say("answer-of", when=spoken_moment(answer.asked_at, session.language))
        key = await _play(session, desk, answer)
        if key not in (HEARD, AGAIN, SPEAK):
            reply = await ask(
                session,
                Line("answer-menu"),
                max_digits=1,
                terminator="",
                accepts=lambda pressed: pressed in HEARD + AGAIN + SPEAK,
                leave_on_silence=True,
            )
            if reply.ending is Ending.GAVE_UP:
                return None
            key = reply.keys or HEARD
        if key != AGAIN:
            await desk.heard(answer)
            return key
    return HEARD


async def _play(session: Session, desk: AnswerDesk, answer: AnswerSeen) -> str:
    """Play it once; return the key that cut it short, empty when it was played to its end and so heard."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    try:
        digits = await session.call.ask(
            answer.sound, max_digits=1, terminator="", first_digit_seconds=AFTER_THE_END_SECONDS
        )
    finally:
        desk.played(answer, clock() - begun)
    if not digits.keys:
        await desk.heard(answer)
    return digits.keys
