"""The verb `hear-programmes`."""

from typing import ClassVar, Literal

from broadcast_bridge.programmes.phone_approval import HearingNotAllowed
from haichieu.ari.errors import AriError, CallEnded
from haichieu.errors import HaiChieuError
from haichieu.locale import render
from ivr.desks.programme_protocols import ProgrammeSeen
from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session

HEAR, APPROVE, NEXT, BACK = "1", "2", "5", "*"


class HearProgrammes(Node):
    """Plays an official the programmes that wait for approval, as the speakers will play them, and approves by key.

    Officials need the right `approve` or `schedule`; only the first approves, and not the official's own programme
    unless the unit allows it. A programme that is not approved keeps waiting.

    {"id": "programmes", "verb": "hear-programmes", "exits": {"done": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    needs: ClassVar[frozenset[str]] = frozenset({"official"})
    sentences: ClassVar[tuple[str, ...]] = (
        "programmes-not-allowed",
        "no-programmes-waiting",
        "programmes-to-hear",
        "no-more-programmes-waiting",
        "programme-heading",
        "programme-approval-menu",
        "programme-hearing-menu",
        "programme-approved",
        "programme-not-approved",
    )

    verb: Literal["hear-programmes"]

    async def run(self, session: Session) -> str | None:
        desk, official = session.desk.programmes, session.require_official()
        try:
            waiting = await desk.waiting(official.id)
        except HearingNotAllowed:
            await session.say("programmes-not-allowed")
            return "done"
        if not waiting:
            await session.say("no-programmes-waiting")
            return "done"
        before = [Line("programmes-to-hear", {"programmes": len(waiting)})]
        for programme_id in waiting:
            if (programme := await desk.open(official.id, programme_id)) is None:
                continue
            key = await _hear(session, programme, before)
            if key is None:
                return None
            if key == BACK:
                return "done"
            before = []
        await session.say("no-more-programmes-waiting")
        return "done"


async def _hear(session: Session, programme: ProgrammeSeen, before: list[Line]) -> str | None:
    """Offer one programme until it is approved or passed over; return NEXT or BACK, None to end the call."""
    minutes, seconds = divmod(max(1, programme.seconds), 60)
    about: dict[str, str | int] = {
        "title": programme.title, "author": programme.author, "minutes": minutes, "seconds": seconds,
    }  # fmt: skip
    lines, played = [*before, Line("programme-heading", about)], list[str]()
    keys = HEAR + NEXT + BACK + (APPROVE if programme.may_approve else "")
    while True:
        reply = await ask(
            session,
            Line("programme-approval-menu" if programme.may_approve else "programme-hearing-menu"),
            before=lines,
            played=played,
            max_digits=1,
            terminator="",
            accepts=lambda key: key in keys,
        )
        if reply.ending is not Ending.ANSWERED:
            return None
        if reply.keys in (NEXT, BACK):
            return reply.keys
        lines, played = [], [programme.sound] if reply.keys == HEAR else []
        if reply.keys == APPROVE and await _approved(session, programme):
            return NEXT


async def _approved(session: Session, programme: ProgrammeSeen) -> bool:
    official = session.require_official()
    try:
        await session.desk.programmes.approve(official.id, programme, called_back=session.called_back)
    except (CallEnded, AriError):
        raise
    except HaiChieuError as refusal:
        await session.say("programme-not-approved", reason=render(refusal.message, session.language))
        return False
    await session.say("programme-approved")
    return True
