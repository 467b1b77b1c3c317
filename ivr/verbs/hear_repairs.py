"""The verb `hear-repairs`."""

from typing import ClassVar, Literal

from broadcast_bridge.repairs.errors import RepairNotAllowed
from broadcast_bridge.repairs.states import Fault
from ivr.desks.repair_protocols import RepairSeen
from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session
from ivr.prompts.spoken_time import spoken_moment

NEXT, AGAIN, BACK = "2", "3", "*"


def heading(session: Session, repair: RepairSeen) -> list[Line]:
    """Return the sentences that introduce a repair."""
    when = spoken_moment(repair.opened_at, session.language)
    return [
        Line("repair-heading", {"speaker": repair.speaker, "when": when, "reports": repair.reports}),
        Line(f"fault-is-{repair.fault}"),
    ]


class HearRepairs(Node):
    """Plays an official the open repairs of their unit and below: speakers that may fall first, then the oldest.

    What citizens said is played after the fault. The official needs the right to repair.

    {"id": "hear-repairs", "verb": "hear-repairs", "exits": {"done": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    needs: ClassVar[frozenset[str]] = frozenset({"official"})
    sentences: ClassVar[tuple[str, ...]] = (
        "repair-not-allowed",
        "no-repairs",
        "open-repairs",
        "no-more-repairs",
        "repair-heading",
        "repair-menu",
        *(f"fault-is-{fault}" for fault in Fault),
    )

    verb: Literal["hear-repairs"]

    async def run(self, session: Session) -> str | None:
        desk = session.desk.repairs
        try:
            found = await desk.open_repairs(session.require_official().id)
        except RepairNotAllowed:
            await session.say("repair-not-allowed")
            return "done"
        if not found:
            await session.say("no-repairs")
            return "done"
        await session.say("open-repairs", repairs=len(found))
        for repair_id in found:
            if (repair := await desk.repair(repair_id)) is not None:
                key = await self._hear(session, repair)
                if key is None:
                    return None
                if key == BACK:
                    return "done"
        await session.say("no-more-repairs")
        return "done"

    async def _hear(self, session: Session, repair: RepairSeen) -> str | None:
        """Play one repair; return BACK or NEXT, None to end the call."""
        whole = [*await session.sounds(*heading(session, repair)), *repair.sounds]
        while True:
            reply = await ask(
                session,
                Line("repair-menu"),
                played=whole,
                max_digits=1,
                terminator="",
                accepts=lambda key: key in NEXT + AGAIN + BACK,
            )
            if reply.ending is not Ending.ANSWERED:
                return None
            if reply.keys != AGAIN:
                return reply.keys
