"""The studio: opens a bridge to the speakers of a broadcast, lets a voice in, and closes it in order.

Reads top to bottom in `Studio.go_live`. The rules are in `broadcasts`; calling a speaker is in `speaker_leg`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import structlog
from sqlalchemy.orm import Session

from broadcast_bridge import broadcasts
from broadcast_bridge.airing import CALLS_AT_ONCE, Airing, Joiner
from broadcast_bridge.broadcasts import Outcome
from broadcast_bridge.models import Speaker
from broadcast_bridge.recordings import Recordings
from broadcast_bridge.speaker_leg import LegTarget, SpeakerLeg
from broadcast_bridge.states import BroadcastEvent, Priority, Reason
from broadcast_bridge.zones import find_zone
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.ari.bridge import announcer, holding_bridge
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, AriRefused, HungUp, Lost
from haichieu.background import in_background
from haichieu.database import Database, now
from haichieu.people import Official

log = structlog.get_logger()

HANG_UP_TOLD_SECONDS = 1.0
"""A hang-up is told within this, once a request has found the channel gone."""


@dataclass(frozen=True)
class Sounds:
    """The sounds of going on and off air, as paths without extension."""

    opening_chime: str
    closing_chime: str
    ready_tone: str


@dataclass(frozen=True)
class StudioRules:
    """How long things may take, in seconds, and the address that multicast leaves from (empty: by the routes)."""

    answer_seconds: float
    max_live_seconds: int
    multicast_interface: str


@dataclass(frozen=True)
class Plan:
    """A broadcast whose rows are committed and whose speakers are taken."""

    broadcast_id: int
    targets: tuple[LegTarget, ...]


@dataclass(frozen=True)
class Ending:
    """How a broadcast is to be closed."""

    event: BroadcastEvent
    reason: Reason | None = None


class Studio:
    """Puts voices on the speakers of one Asterisk."""

    def __init__(
        self, client: AriClient, database: Database, sounds: Sounds, rules: StudioRules, recordings: Recordings
    ) -> None:
        self._client = client
        self._database = database
        self._sounds = sounds
        self._rules = rules
        self._recordings = recordings
        self._on_air: dict[int, Airing] = {}
        self._in_hand: set[int] = set()

    async def go_live(self, call: Call, official_id: int, zone_keys: str, priority: Priority) -> Outcome:
        """Put the caller on the speakers of a zone until `#`, hang-up or the time limit; return how it went.

        Raises DiskFull, LiveNotAllowed, NoReachableSpeaker, ZoneBusy, UnknownZone or ZoneNotAllowed before
        any speaker is called, and HungUp, after everything is closed, when the caller hung up. However it
        ends, the broadcast and its deliveries have their final states.
        """
        plan = await self._database.run(lambda session: self._plan(session, official_id, zone_keys, priority))
        self._in_hand.add(plan.broadcast_id)
        ending = Ending(BroadcastEvent.CANCEL, Reason.CALLER_LEFT)
        try:
            async with self._airing(plan) as airing:
                await self._open(plan, airing)
                ending = Ending(BroadcastEvent.END, Reason.CALLER_LEFT)
                await call.say(self._sounds.ready_tone)  # who leaves now has said nothing that could be kept
                reason, left = await self._live(call, plan, airing)
                ending = Ending(BroadcastEvent.END, reason)
                if left:
                    raise left
        except Lost:
            ending = Ending(BroadcastEvent.FAIL, Reason.ASTERISK_STOPPED)
            raise
        except HungUp:
            raise
        except AriError as problem:
            ending = Ending(BroadcastEvent.FAIL, Reason.ASTERISK_STOPPED)
            raise Lost(f"Asterisk failed in the middle of a broadcast: {problem}") from problem
        except asyncio.CancelledError:
            ending = Ending(ending.event, Reason.STATION_STOPPED)
            raise
        except BaseException:
            ending = Ending(BroadcastEvent.FAIL, Reason.INTERNAL_ERROR)
            raise
        finally:
            outcome = await self._close(plan, ending)
            self._in_hand.discard(plan.broadcast_id)
        return outcome

    @property
    def on_air(self) -> frozenset[int]:
        """The ids of the broadcasts that this studio has in hand."""
        return frozenset(self._in_hand)

    def speaker_returned(self, code: str) -> None:
        """A speaker can be reached, perhaps at another address: whoever wants it calls it now."""
        for airing in self._on_air.values():
            airing.speaker_returned(code)

    def speaker_lost(self, code: str) -> None:
        """A speaker no longer answers: what is sent to it is not heard, and must not count as played."""
        for airing in self._on_air.values():
            airing.speaker_lost(code)

    def _plan(self, session: Session, official_id: int, zone_keys: str, priority: Priority) -> Plan:
        self._recordings.require_space()
        official = session.get_one(Official, official_id)
        zone = find_zone(session, official, zone_keys)
        broadcast = broadcasts.plan_live(session, official, zone, priority, now())
        broadcasts.advance(session, broadcast.id, BroadcastEvent.CALL_SPEAKERS, now())
        log.info("broadcast.planned", broadcast=broadcast.id, zone=zone.name, speakers=zone.total)
        interface = self._rules.multicast_interface
        targets = (_target(delivery.id, delivery.speaker, interface) for delivery in broadcast.deliveries)
        return Plan(broadcast.id, tuple(targets))

    @contextlib.asynccontextmanager
    async def _airing(self, plan: Plan) -> AsyncIterator[Airing]:
        """The bridge, its legs and its announcer, for the length of the block; ends with the closing chime."""
        async with contextlib.AsyncExitStack() as stack:
            bridge = await stack.enter_async_context(holding_bridge(self._client, f"broadcast-{plan.broadcast_id}"))
            joiner = Joiner(bridge)
            turn, seconds = asyncio.Semaphore(CALLS_AT_ONCE), self._rules.answer_seconds
            legs = [SpeakerLeg(self._client, target, joiner.join, turn, seconds) for target in plan.targets]
            stack.push_async_callback(self._write_down, legs)
            await stack.enter_async_context(in_background(joiner.run(), *(leg.run() for leg in legs)))
            voice = await stack.enter_async_context(announcer(self._client, bridge))
            airing = Airing(bridge, voice, legs)
            await stack.enter_async_context(in_background(airing.report_for_ever(self._write_down)))
            self._on_air[plan.broadcast_id] = airing
            stack.callback(self._on_air.pop, plan.broadcast_id)
            yield airing

    async def _open(self, plan: Plan, airing: Airing) -> None:
        await airing.somebody_listens()
        opened = now()
        airing.audio_begins(opened)
        await asyncio.gather(
            airing.play(self._sounds.opening_chime),
            self._database.run(
                lambda session: broadcasts.advance(session, plan.broadcast_id, BroadcastEvent.OPEN, opened)
            ),
        )

    async def _live(self, call: Call, plan: Plan, airing: Airing) -> tuple[Reason | None, HungUp | None]:
        """The caller's voice on the speakers, until `#` or hang-up; return why it ended otherwise, and the hang-up."""
        recording = self._recordings.name(plan.broadcast_id)
        reason: Reason | None = Reason.CALLER_LEFT
        left: HungUp | None = None
        try:
            await airing.bridge.record(recording, self._rules.max_live_seconds + 60)
            await _let_in(call, airing)
            reason = None
            live_at = now()
            await self._database.run(lambda session: broadcasts.voice_is_on(session, plan.broadcast_id, live_at))
            log.info("broadcast.live", broadcast=plan.broadcast_id)
            async with asyncio.timeout(self._rules.max_live_seconds):
                await call.wait_for_key("#")
        except TimeoutError:
            reason = Reason.TIME_LIMIT
        except Lost:
            raise
        except HungUp as hung_up:
            left = hung_up
        await self._sign_off(call, airing, recording, plan.broadcast_id)
        return reason, left

    async def _sign_off(self, call: Call, airing: Airing, recording: str, broadcast_id: int) -> None:
        """Take the voice off, close the recording, let the speakers hear the end, take the last measurement."""
        with contextlib.suppress(AriError):  # who hung up has left the bridge already
            await airing.bridge.remove(call.id)
        if not await airing.bridge.stop_recording(recording):
            await self._database.run(
                lambda session: raise_alarm(
                    session,
                    AlarmKind.RECORDING_FAILED,
                    f"broadcast:{broadcast_id}",
                    "Không ghi âm được buổi phát trực tiếp. / The live broadcast could not be recorded.",
                )
            )
        with contextlib.suppress(AriError, HungUp):
            await airing.play(self._sounds.closing_chime)
        await airing.measure()

    async def _write_down(self, legs: Sequence[SpeakerLeg]) -> None:
        updates = [leg.report() for leg in legs if leg.dirty]
        if updates:
            await self._database.run(lambda session: broadcasts.apply_updates(session, updates))

    async def _close(self, plan: Plan, ending: Ending) -> Outcome:
        def close(session: Session) -> Outcome:
            outcome = replace(broadcasts.close_deliveries(session, plan.broadcast_id, now()), reason=ending.reason)
            broadcasts.advance(session, plan.broadcast_id, ending.event, now(), ending.reason)
            self._recordings.collect(session, plan.broadcast_id)
            return outcome

        outcome = await self._database.run(close)
        log.info(
            "broadcast.closed",
            broadcast=plan.broadcast_id,
            how=str(ending.event),
            reason=ending.reason,
            heard=outcome.heard,
            total=outcome.total,
        )
        return outcome


async def _let_in(call: Call, airing: Airing) -> None:
    """Put the caller on the bridge. Raises HungUp when the caller has just left, AriError when Asterisk failed."""
    try:
        await airing.bridge.add([call.id], role="announcer")
    except AriRefused:
        # A channel can be gone a moment before its hang-up is told: that is no fault of Asterisk.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP_TOLD_SECONDS):
                await call.until_hung_up()
        raise


def dial_string(speaker: Speaker, interface: str) -> str:
    """How Asterisk dials a speaker: its SIP account, or its multicast group in the first of its codecs.

    `interface` is the address that multicast leaves from, empty to leave that to the routing table.
    """
    if speaker.is_multicast:
        leaves_from = f"i({interface})" if interface else ""
        return f"MulticastRTP/basic/{speaker.multicast}//c({speaker.codecs[0]}){leaves_from}"
    return f"PJSIP/{speaker.code}"


def _target(delivery_id: int, speaker: Speaker, interface: str) -> LegTarget:
    return LegTarget(
        delivery_id=delivery_id,
        code=speaker.code,
        endpoint=dial_string(speaker, interface),
        reachable=speaker.reachable or speaker.is_multicast,
        supervised=not speaker.is_multicast,
    )
