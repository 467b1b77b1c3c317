"""The verb `hear-bulletins`."""

import datetime
from typing import ClassVar, Literal

from broadcast_bridge.source_system.by_phone import DeclineReason
from broadcast_bridge.source_system.errors import DecisionNotAllowed
from haichieu.ari.errors import AriError, CallEnded
from haichieu.errors import HaiChieuError
from haichieu.locale import render
from ivr.desks.protocols import OfferedSeen
from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session
from ivr.prompts.spoken_time import spoken_moment

HEAR, ACCEPT, AIR, DECLINE, NEXT, BACK = "1", "2", "3", "4", "5", "*"
SOURCE_FIRST, COMMUNE_FIRST = "2", "3"
AT_ONCE = "0"
_REASONS = {"1": DeclineReason.NOT_FOR_US, "2": DeclineReason.HEARD_BEFORE, "3": DeclineReason.OTHER}


class HearBulletins(Node):
    """Plays an official the bulletins of the province that wait for the commune, and takes the decision by key.

    An offered one is accepted, broadcast at once or at a time, or declined with a reason. Of a priority bulletin that
    meets a priority programme of the commune, the official decides which is first. Officials need the right `schedule`.

    {"id": "bulletins", "verb": "hear-bulletins", "exits": {"done": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    needs: ClassVar[frozenset[str]] = frozenset({"official"})
    sentences: ClassVar[tuple[str, ...]] = (
        "bulletins-not-allowed",
        "no-bulletins-waiting",
        "bulletins-to-hear",
        "no-more-bulletins-waiting",
        "offered-heading",
        "offered-heading-no-sound",
        "offered-menu",
        "offered-meets",
        "order-menu",
        "offered-accepted",
        "ask-air-time",
        "offered-on-air-soon",
        "offered-scheduled",
        "ask-decline-reason",
        "offered-declined",
        "order-source-first",
        "order-commune-first",
        "offered-refused",
    )

    verb: Literal["hear-bulletins"]

    async def run(self, session: Session) -> str | None:
        desk, official = session.desk.province, session.require_official()
        try:
            waiting = await desk.waiting(official.id)
        except DecisionNotAllowed:
            await session.say("bulletins-not-allowed")
            return "done"
        if not waiting:
            await session.say("no-bulletins-waiting")
            return "done"
        before = [Line("bulletins-to-hear", {"bulletins": len(waiting)})]
        for bulletin_id in waiting:
            if (bulletin := await desk.open(official.id, bulletin_id)) is None:
                continue
            key = await _hear(session, bulletin, before)
            if key is None:
                return None
            if key == BACK:
                return "done"
            before = []
        await session.say("no-more-bulletins-waiting")
        return "done"


async def _hear(session: Session, bulletin: OfferedSeen, before: list[Line]) -> str | None:
    """Offer one bulletin until it is decided or passed over; return NEXT or BACK, None to end the call."""
    meets = bool(bulletin.rival)
    decisions = SOURCE_FIRST + COMMUNE_FIRST if meets else ACCEPT + AIR + DECLINE
    lines: list[Line] = [*before, *_heading(session, bulletin)]
    played: list[str] = []
    while True:
        reply = await ask(
            session,
            Line("order-menu" if meets else "offered-menu"),
            before=lines,
            played=played,
            max_digits=1,
            terminator="",
            accepts=lambda key: key in HEAR + decisions + NEXT + BACK,
        )
        if reply.ending is not Ending.ANSWERED:
            return None
        if reply.keys in (NEXT, BACK):
            return reply.keys
        lines, played = [], []
        if reply.keys == HEAR:
            played = [bulletin.sound] if bulletin.sound else []
            lines = [] if bulletin.sound else _heading(session, bulletin)
            continue
        decided = await _decided(session, bulletin, reply.keys)
        if decided is not False:
            return NEXT if decided else None


async def _decided(session: Session, bulletin: OfferedSeen, key: str) -> bool | None:
    """Take a decision; return whether there is one, None to end the call."""
    try:
        if bulletin.rival:
            return await _order(session, bulletin, source_first=key == SOURCE_FIRST)
        steps = {ACCEPT: _accept, AIR: _air, DECLINE: _decline}
        return await steps[key](session, bulletin)
    except (CallEnded, AriError):
        raise
    except HaiChieuError as refusal:
        await session.say("offered-refused", reason=render(refusal.message, session.language))
        return False


async def _accept(session: Session, bulletin: OfferedSeen) -> bool | None:
    official = session.require_official()
    await session.desk.province.accept(official.id, bulletin.id, called_back=session.called_back)
    await session.say("offered-accepted")
    return True


async def _air(session: Session, bulletin: OfferedSeen) -> bool | None:
    reply = await ask(session, Line("ask-air-time"), max_digits=4, accepts=_is_air_time)
    if reply.ending is not Ending.ANSWERED:
        return None
    clock = None if reply.keys == AT_ONCE else datetime.time(int(reply.keys[:2]), int(reply.keys[2:]))
    official = session.require_official()
    start = await session.desk.province.schedule(official.id, bulletin.id, clock, called_back=session.called_back)
    if clock is None:
        await session.say("offered-on-air-soon")
    else:
        await session.say("offered-scheduled", when=spoken_moment(start, session.language))
    return True


async def _decline(session: Session, bulletin: OfferedSeen) -> bool | None:
    reply = await ask(
        session, Line("ask-decline-reason"), max_digits=1, terminator="", accepts=lambda key: key in (*_REASONS, BACK)
    )
    if reply.ending is not Ending.ANSWERED:
        return None
    if reply.keys == BACK:
        return False
    await session.desk.province.decline(session.require_official().id, bulletin.id, _REASONS[reply.keys])
    await session.say("offered-declined")
    return True


async def _order(session: Session, bulletin: OfferedSeen, *, source_first: bool) -> bool:
    await session.desk.province.decide(session.require_official().id, bulletin.id, source_first=source_first)
    await session.say("order-source-first" if source_first else "order-commune-first")
    return True


def _heading(session: Session, bulletin: OfferedSeen) -> list[Line]:
    about = {"title": bulletin.title, "source": bulletin.source}
    if not bulletin.sound:
        lines = [Line("offered-heading-no-sound", about)]
    else:
        minutes, seconds = divmod(max(1, bulletin.seconds), 60)
        lines = [Line("offered-heading", {**about, "minutes": minutes, "seconds": seconds})]
    if bulletin.rival and bulletin.rival_begins is not None and bulletin.decide_by is not None:
        meets = {
            "rival": bulletin.rival,
            "when": spoken_moment(bulletin.rival_begins, session.language),
            "until": spoken_moment(bulletin.decide_by, session.language),
        }
        lines.append(Line("offered-meets", meets))
    return lines


def _is_air_time(keys: str) -> bool:
    if keys == AT_ONCE:
        return True
    return len(keys) == 4 and keys.isdecimal() and int(keys[:2]) < 24 and int(keys[2:]) < 60
