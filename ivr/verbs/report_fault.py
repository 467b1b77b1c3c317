"""The verb `report-fault`."""

from typing import ClassVar, Literal

from pydantic import Field

from broadcast_bridge.repairs.errors import PoleRetired
from broadcast_bridge.repairs.states import Fault
from haichieu.media import DiskFull
from ivr.calls.caller_limits import TooManyMessages
from ivr.flows.dialogue import TRIES, Ending, ask
from ivr.flows.node import Node
from ivr.flows.poles import CODE_SENTENCES, FAULT_SENTENCES, ask_fault, ask_pole
from ivr.flows.session import Line, Session

SAY_MORE = "1"


class ReportFault(Node):
    """Takes a citizen's report about a speaker: the code on its pole, a key for the fault, and words if there are any.

    The report is committed as soon as the fault is keyed in, and hanging up keeps what was said until then. Reports of
    one speaker join its open repair. `no-code` is taken by a caller without a code, or after three wrong ones.

    {"id": "fault", "verb": "report-fault", "exits": {"done": "goodbye", "no-code": "message"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done", "no-code"})
    for_citizens: ClassVar[bool] = True
    waits_for_caller: ClassVar[bool] = True
    sentences: ClassVar[tuple[str, ...]] = (
        "ask-pole-code",
        *CODE_SENTENCES,
        *FAULT_SENTENCES,
        "fault-reported",
        "fault-joined",
        "fault-say-more",
        "fault-words-kept",
        "message-instructions",
        "message-silent",
        "message-not-recorded",
        "message-disk-full",
        "too-many-messages",
    )

    verb: Literal["report-fault"]
    max_minutes: int = Field(3, ge=1, le=30)
    silence_seconds: int = Field(8, ge=3, le=60)

    async def run(self, session: Session) -> str | None:
        desk = session.require_citizens().faults
        while True:
            pole = await ask_pole(session, "ask-pole-code", desk.pole)
            if pole is None:
                return "no-code"
            fault = pole if isinstance(pole, Ending) else await ask_fault(session, pole)
            if isinstance(pole, Ending) or isinstance(fault, Ending):
                return None
            if fault is not None:
                break
        try:
            report_id = await desk.report(pole, fault)
        except TooManyMessages:
            await session.say("too-many-messages")
            return "done"
        except PoleRetired:
            await session.say("pole-retired")
            return "no-code"
        kept = Line("fault-reported" if pole.repair_id is None else "fault-joined")
        if fault is Fault.OTHER:
            await session.call.say(*await session.sounds(kept))
        else:
            reply = await ask(
                session,
                Line("fault-say-more"),
                before=[kept],
                max_digits=1,
                terminator="",
                accepts=lambda key: key == SAY_MORE,
                leave_on_silence=True,
            )
            if reply.ending is not Ending.ANSWERED:
                return "done" if reply.ending is Ending.SILENT else None
        return await self._record(session, report_id)

    async def _record(self, session: Session, report_id: int) -> str:
        desk = session.require_citizens().faults
        try:
            name = await desk.begin_words(report_id)
        except DiskFull:
            await session.say("message-disk-full")
            return "done"
        try:
            for _ in range(TRIES):
                await session.say("message-instructions")
                if not await session.call.record(
                    name, max_seconds=self.max_minutes * 60, silence_seconds=self.silence_seconds
                ):
                    await session.say("message-not-recorded")
                    return "done"
                if await desk.keep_words(name):
                    await session.say("fault-words-kept")
                    return "done"
                await session.say("message-silent")
        finally:
            desk.release_words(name)
        return "done"
