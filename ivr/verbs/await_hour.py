"""The verb `await-hour`."""

from typing import ClassVar, Literal

from haichieu.database import now
from ivr.flows.node import Node
from ivr.flows.session import Session

TOLD_EVERY_SECONDS = 30.0
SOON_SECONDS = 12.0


class AwaitHour(Node):
    """Keeps an official who was called ahead of a booked broadcast on the line, counting down to its start time.

    {"id": "wait", "verb": "await-hour", "exits": {"now": "live"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"now"})
    sentences: ClassVar[tuple[str, ...]] = ("booked-wait", "booked-soon")

    verb: Literal["await-hour"]

    async def run(self, session: Session) -> str | None:
        """Wait; on a call without a start time, continue at once."""
        told_soon = False
        while (left := _seconds_left(session)) > 0:
            if left > SOON_SECONDS:
                await session.say("booked-wait", seconds=round(left))
                pause = min(_seconds_left(session) - SOON_SECONDS, TOLD_EVERY_SECONDS)
            else:
                if not told_soon:
                    await session.say("booked-soon")
                told_soon = True
                pause = _seconds_left(session)
            if pause > 0:
                await session.call.ask(max_digits=1, first_digit_seconds=pause)
                session.call.forget_keys()  # keys pressed while waiting have no effect
        return "now"


def _seconds_left(session: Session) -> float:
    return (session.due_at - now()).total_seconds() if session.due_at else 0.0
