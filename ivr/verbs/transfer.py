"""The verb `transfer`."""

from typing import ClassVar, Literal

from ivr.desks.protocols import DutyDesk
from ivr.flows.node import Node
from ivr.flows.session import Session

_WHY_NOT = {
    DutyDesk.CLOSED: "duty-desk-closed",
    DutyDesk.BUSY: "duty-desk-busy",
    DutyDesk.NO_ANSWER: "duty-desk-no-answer",
}


class Transfer(Node):
    """Transfers the caller to the duty desk of the number that was dialled, within its hours.

    `unavailable` is taken, after the reason was played, when it is closed, busy or not answered, so that the caller can
    leave a message.

    {"id": "duty-desk", "verb": "transfer", "exits": {"done": "main-menu", "unavailable": "message"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done", "unavailable"})
    for_citizens: ClassVar[bool] = True
    sentences: ClassVar[tuple[str, ...]] = ("duty-desk-rings", *_WHY_NOT.values())

    verb: Literal["transfer"]

    async def run(self, session: Session) -> str | None:
        desk = session.require_citizens()
        if await desk.duty_desk_is_open():
            await session.say("duty-desk-rings")
            outcome = await desk.ring_duty_desk()
        else:
            outcome = DutyDesk.CLOSED
        if outcome is DutyDesk.TALKED:
            return "done"
        await session.say(_WHY_NOT[outcome])
        return "unavailable"
