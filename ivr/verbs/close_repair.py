"""The verb `close-repair`."""

from functools import partial
from typing import ClassVar, Literal

from broadcast_bridge.repairs.errors import PoleRetired, RepairNotAllowed
from broadcast_bridge.repairs.states import Fault
from ivr.desks.repair_protocols import PoleSeen, ToneOutcome
from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import Node
from ivr.flows.poles import CODE_SENTENCES, FAULT_SENTENCES, ask_fault, ask_pole
from ivr.flows.session import Line, Session
from ivr.verbs.hear_repairs import heading

YES, AGAIN, BACK = "1", "2", "*"
_NOT_HEARD = {
    ToneOutcome.NOT_PLAYED: "tone-not-played",
    ToneOutcome.UNREACHABLE: "tone-unreachable",
    ToneOutcome.MUTED: "tone-muted",
    ToneOutcome.BUSY: "tone-busy",
}


class CloseRepair(Node):
    """Closes the repair of a speaker from its pole: the code, the test tone on the speaker, and 1 when it was heard.

    The delivery of the tone is the proof that is stored with the repair; without it nothing is closed. For a speaker
    without an open repair the official can open one. The official needs the right to repair.

    {"id": "close-repair", "verb": "close-repair", "exits": {"done": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    waits_for_caller: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"official"})
    sentences: ClassVar[tuple[str, ...]] = (
        "repair-not-allowed",
        "ask-repair-code",
        *CODE_SENTENCES,
        *FAULT_SENTENCES,
        "pole-without-repair",
        "repair-opened",
        "repair-heading",
        *(f"fault-is-{fault}" for fault in Fault),
        "tone-menu",
        "tone-heard",
        *_NOT_HEARD.values(),
        "repair-closed",
        "repair-closed-before",
    )

    verb: Literal["close-repair"]

    async def run(self, session: Session) -> str | None:
        official_id, desk = session.require_official().id, session.desk.repairs
        try:
            while True:
                pole = await ask_pole(session, "ask-repair-code", partial(desk.pole, official_id))
                if isinstance(pole, Ending):
                    return None
                if pole is None:
                    return "done"
                key = await (self._open(session, pole) if pole.repair_id is None else self._test(session, pole))
                if key != AGAIN:
                    return "done" if key else None
        except RepairNotAllowed:
            await session.say("repair-not-allowed")
            return "done"

    async def _open(self, session: Session, pole: PoleSeen) -> str | None:
        """Offer to open a repair; return AGAIN for another code, None to end the call."""
        reply = await ask(
            session,
            Line("pole-without-repair", {"speaker": pole.name}),
            max_digits=1,
            terminator="",
            accepts=lambda key: key in YES + AGAIN + BACK,
        )
        if reply.ending is not Ending.ANSWERED:
            return None
        if reply.keys != YES:
            return reply.keys
        fault = await ask_fault(session, pole)
        if fault is None or isinstance(fault, Ending):
            return AGAIN if fault is None else None
        try:
            await session.desk.repairs.report(session.require_official().id, pole, fault)
        except PoleRetired:
            await session.say("pole-retired")
            return AGAIN
        await session.say("repair-opened")
        return BACK

    async def _test(self, session: Session, pole: PoleSeen) -> str | None:
        """Play the tone until it was heard; return AGAIN for another code, None to end the call."""
        official_id, desk = session.require_official().id, session.desk.repairs
        repair = await desk.repair(pole.repair_id) if pole.repair_id is not None else None
        before = heading(session, repair) if repair is not None else []
        question = "tone-menu"
        while True:
            reply = await ask(
                session,
                Line(question),
                before=before,
                max_digits=1,
                terminator="",
                accepts=lambda key: key in YES + AGAIN + BACK,
            )
            if reply.ending is not Ending.ANSWERED:
                return None
            if reply.keys == BACK or (question == "tone-menu" and reply.keys == AGAIN):
                return reply.keys
            if question == "tone-heard" and reply.keys == YES:
                closed = await desk.close(official_id, pole)
                await session.say("repair-closed" if closed else "repair-closed-before")
                return BACK
            outcome = await desk.play_tone(official_id, pole)
            question = "tone-heard" if outcome is ToneOutcome.PLAYED else "tone-menu"
            before = [] if outcome is ToneOutcome.PLAYED else [Line(_NOT_HEARD[outcome])]
