"""The studio: opens a bridge to the speakers of a broadcast, plays its content, and closes it in order.

`Studio._broadcast` is the sequence. The rules are in `broadcasts.starting` and `broadcasts.lifecycle`; the content is a
`LiveVoice` or a `RecordedSound`; `speaker_leg` calls the speakers.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Self

import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import broadcast_lifecycle, sharing, starting
from broadcast_bridge.broadcasts.broadcast_lifecycle import Outcome
from broadcast_bridge.broadcasts.starting import Taken
from broadcast_bridge.broadcasts.states import BroadcastEvent, Priority, Reason
from broadcast_bridge.models import Broadcast
from broadcast_bridge.speakers.zones import find_zone
from broadcast_bridge.studio.airings import Airings, BringSound, call_returned
from broadcast_bridge.studio.broadcast_on_air import Airing, Content, Ending, until_over
from broadcast_bridge.studio.broadcast_plan import Plan, Sounds, StudioRules, plan_of
from broadcast_bridge.studio.broadcast_rows import BroadcastRows
from broadcast_bridge.studio.call_turns import CallTurns
from broadcast_bridge.studio.common_time import CommonTime
from broadcast_bridge.studio.dial_ahead import AheadCalls, DialAhead
from broadcast_bridge.studio.expectations import AnswerTimes, Expectations
from broadcast_bridge.studio.growing_sound import more_clips
from broadcast_bridge.studio.level_meter import measure_level
from broadcast_bridge.studio.levels import Levels
from broadcast_bridge.studio.live_recordings import Recordings
from broadcast_bridge.studio.live_voice import Limits, LiveVoice
from broadcast_bridge.studio.parts import common_time, end_part, set_on_air
from broadcast_bridge.studio.recorded_sound import RecordedSound
from broadcast_bridge.studio.relayed_voice import RelayCalls, RelayedVoice
from broadcast_bridge.studio.seats import SeatPool
from broadcast_bridge.studio.speaker_leg import SpeakerLeg
from broadcast_bridge.studio.speaker_target import LegTarget
from broadcast_bridge.studio.stage import Stage, open_stage
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, HungUp, Lost, NotPlayed
from haichieu.background import Tasks, for_ever, in_background, kept_going
from haichieu.database import Database, now
from haichieu.locale import message
from haichieu.media import MediaStore, Stored
from haichieu.node_clock import NodeClock
from haichieu.people import Official

log = structlog.get_logger()

WhenPlanned = Callable[[Session, int], None]
"""Called with the id of a broadcast in the transaction that plans it; an exception undoes the plan."""


class Studio(Airings):
    """Puts voices and sounds on the speakers of one Asterisk."""

    def __init__(
        self,
        client: AriClient,
        database: Database,
        sounds: Sounds,
        rules: StudioRules,
        recordings: Recordings,
        store: MediaStore,
        levels: Levels,
        seats: SeatPool | None = None,
        clock: NodeClock | None = None,
        bring: BringSound | None = None,
    ) -> None:
        """`clock` is compared with those of other nodes; `bring` fetches a sound from them."""
        super().__init__()
        self.clock = clock or NodeClock()
        self._bring = bring
        self._seats = seats
        self._client = client
        self._database = database
        self.sounds = sounds
        self._rules = rules
        self._recordings = recordings
        self._store = store
        self._levels = levels
        self._plan = partial(
            plan_of, store=store, sounds=sounds, calling=rules.calling, label=rules.synthetic_label, node=rules.node
        )
        self._running: set[int] = set()
        self.relays = RelayCalls(client)
        self._writing = Tasks()
        times = AnswerTimes(database, self._writing)
        self._ahead = AheadCalls(client, rules.answer_seconds, times.took, seats, self.clock)
        self.expects = Expectations(
            self._ahead, database, store, rules.calling, rules.node, dials_ahead=rules.dial_ahead
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give up the rows that could not be written; the next start closes their broadcasts."""
        await self._ahead.__aexit__()
        await self._writing.__aexit__()

    @property
    def node(self) -> str:
        """The name of this switchboard in the log of broadcasts."""
        return self._rules.node

    @property
    def on_air(self) -> frozenset[int]:
        """The ids of the broadcasts that this studio is running."""
        return frozenset(self._running)

    async def go_live(
        self,
        call: Call,
        official_id: int,
        zone_keys: str,
        priority: Priority,
        *,
        ahead: DialAhead | None = None,
        when_planned: WhenPlanned | None = None,
    ) -> Outcome:
        """Put the caller on the speakers of a zone until `#`, hang-up or the time limit; return the result.

        `ahead` has called the speakers already, as far as they could be.

        Raises DiskFull, LiveNotAllowed, NoReachableSpeaker, ZoneBusy, UnknownZone or ZoneNotAllowed before any speaker
        is called, and HungUp, after everything is closed, when the caller hung up. In every case the broadcast and its
        deliveries have their final states afterwards.
        """

        def prepare(session: Session) -> tuple[Plan, Taken]:
            self._recordings.require_space()
            official = session.get_one(Official, official_id)
            zone = find_zone(session, official, zone_keys)
            broadcast, taken = starting.plan_live(session, official, zone, priority, now(), self.node)
            if when_planned:
                when_planned(session, broadcast.id)
            broadcast_lifecycle.advance(session, broadcast.id, BroadcastEvent.CALL_SPEAKERS, now())
            return self._plan(session, broadcast), taken

        plan, taken = await self._database.run(prepare)
        rows = self._begin(plan.broadcast_id)
        voice = LiveVoice(
            self._client,
            call,
            self.sounds.ready_tone,
            self._recordings.name(plan.broadcast_id),
            Limits(self._rules.max_live_seconds, self._rules.max_hold_seconds),
            lambda: self._voice_is_on(plan.broadcast_id, rows),
            lambda: rows.write(partial(_not_recorded, broadcast_id=plan.broadcast_id)),
        )
        left = Ending(BroadcastEvent.CANCEL, Reason.CALLER_LEFT)
        outcome = await self._broadcast(plan, taken, voice, rows, left, ahead)
        if voice.left:
            raise voice.left
        return outcome

    async def air(self, broadcast_id: int, taken: Taken) -> Outcome:
        """Play a recorded broadcast, whose speakers were taken by `starting.begin`, to its end.

        Of one that several nodes share, this node's part is played.
        """
        rows = self._begin(broadcast_id)
        broken = Ending(BroadcastEvent.FAIL, Reason.INTERNAL_ERROR)
        try:
            if self._bring is not None:
                await self._bring(broadcast_id)
            plan = await self._database.look(partial(self._look_at_plan, broadcast_id=broadcast_id))
        except BaseException as problem:
            stopped = isinstance(problem, asyncio.CancelledError)
            await self._close(broadcast_id, Ending(broken.event, Reason.STATION_STOPPED) if stopped else broken, rows)
            raise
        common = common_time(plan, self.clock)
        if plan.is_shared:
            rows.common = self.clock.common
        if plan.is_relayed:
            return await self._broadcast(plan, taken, RelayedVoice(self.relays, broadcast_id), rows, broken, None)
        sound = RecordedSound(
            plan.sounds,
            plan.skip_seconds,
            plan.times,
            plan.pause_seconds,
            lambda: self._voice_is_on(broadcast_id, rows, common),
            partial(more_clips, self._database, self._store, broadcast_id) if plan.is_growing else None,
            common.clip if common else None,
        )
        return await self._broadcast(plan, taken, sound, rows, broken, self._ahead.adopt(plan.keys))

    def _begin(self, broadcast_id: int) -> BroadcastRows:
        """Count a broadcast as running here until it is closed."""
        self._running.add(broadcast_id)
        self._recordings.take(broadcast_id)
        return BroadcastRows(self._database, self._writing, broadcast_id)

    async def admit(self, arrived: Mapping[int, Sequence[int]]) -> None:
        """Serve speakers that have come from another node, in broadcasts that are on air here."""
        for broadcast_id, deliveries in arrived.items():
            airing = self.airing_or_later(broadcast_id, deliveries)
            if airing is not None and deliveries:
                look = partial(self._look_at_plan, broadcast_id=broadcast_id)
                for target in (await self._database.until_read(look)).targets:
                    if target.delivery_id in deliveries:
                        airing.admit(replace(target, direct_codecs=()))

    def _look_at_plan(self, session: Session, broadcast_id: int) -> Plan:
        return self._plan(session, session.get_one(Broadcast, broadcast_id))

    def speaker_returned(self, code: str, *, moved: bool = True) -> None:
        """Call a speaker that can be reached again for every broadcast that wants it.

        A call to the old address ends if it has `moved`, or was registered again.
        """
        if moved:
            self._ahead.drop(code)
            if self._seats:
                self._seats.link.speaker_returned(code)
        for airing in self._on_air.values():
            airing.speaker_returned(code, moved=moved)

    def speaker_lost(self, code: str) -> None:
        """Take the news that a speaker does not answer OPTIONS; other signs of life keep its calls."""
        self._ahead.drop(code)
        for airing in self._on_air.values():
            airing.speaker_lost(code)

    async def _broadcast(
        self,
        plan: Plan,
        taken: Taken,
        content: Content,
        rows: BroadcastRows,
        before_air: Ending,
        ahead: DialAhead | None,
    ) -> Outcome:
        """Run one broadcast from its first call to its last row; `before_air` is its result if it never gets on air."""
        ending = before_air
        try:
            await self.give_up(taken.from_broadcasts)
            async with self._airing(plan, rows, ahead) as airing:
                common = common_time(plan, self.clock)
                in_time = await common.opening() if common else not plan.is_relayed
                if common is None:
                    await airing.first_listener()
                async with self._opening(plan, airing, rows):
                    ending = Ending(BroadcastEvent.END)
                    ending = await until_over(self._play(plan, airing, content, opens=in_time), airing)
                if ending.event is not BroadcastEvent.PRE_EMPT and not plan.is_relayed:
                    await self._sign_off(airing)
                await airing.measure()
        except Lost:
            ending = Ending(BroadcastEvent.FAIL, Reason.ASTERISK_STOPPED)
            raise
        except HungUp:
            raise
        except AriError as problem:
            ending = Ending(BroadcastEvent.FAIL, Reason.ASTERISK_STOPPED)
            raise Lost(problem.message) from problem
        except asyncio.CancelledError:
            ending = Ending(ending.event, Reason.STATION_STOPPED)
            raise
        except BaseException:
            ending = Ending(BroadcastEvent.FAIL, Reason.INTERNAL_ERROR)
            raise
        finally:
            outcome = await self._close(plan.broadcast_id, ending, rows, is_shared=plan.is_shared)
        return outcome

    @contextlib.asynccontextmanager
    async def _airing(self, plan: Plan, rows: BroadcastRows, ahead: DialAhead | None) -> AsyncIterator[Airing]:
        """Provide the bridge, its legs and its announcer for the duration of the block."""
        async with contextlib.AsyncExitStack() as stack:
            stage = await stack.enter_async_context(self._stage(plan, ahead))
            stack.enter_context(self._ahead.on_air([target.code for target in plan.targets]))
            stage.begin(plan.targets)
            turn = CallTurns(self._client, self._seats)
            times = self._rules.answer_seconds, self._rules.qualify_seconds
            targets = (*plan.relays, *plan.targets)
            legs = [SpeakerLeg(self._client, one, stage.place, turn, *times, self._ahead.take) for one in targets]
            rows.legs = legs
            if ahead:
                await ahead.keep_only({target.code for target in plan.targets if target.reachable})
            await stack.enter_async_context(kept_going(*(leg.run for leg in legs)))
            later = await stack.enter_async_context(Tasks())

            def admit(target: LegTarget) -> SpeakerLeg:
                legs.append(leg := SpeakerLeg(self._client, target, stage.place, turn, *times))
                later.begin(for_ever(leg.run))
                return leg

            settle = None if plan.is_urgent or plan.is_shared else stage.settle
            airing = Airing(stage.bridge, await stage.voice, legs, settle, admit if plan.is_shared else None)
            await stack.enter_async_context(kept_going(partial(airing.report_until_cancelled, rows.report)))
            self._on_air[plan.broadcast_id] = airing
            await self.admit({plan.broadcast_id: tuple(self._arriving.pop(plan.broadcast_id, ()))})
            stack.callback(self._on_air.pop, plan.broadcast_id)
            absent = [target.code for target in plan.targets if not target.reachable]
            await stack.enter_async_context(in_background(call_returned(self._database, airing, absent)))
            yield airing

    @contextlib.asynccontextmanager
    async def _stage(self, plan: Plan, ahead: DialAhead | None) -> AsyncIterator[Stage]:
        """Provide the stage on which speakers wait already, or a new one."""
        async with contextlib.AsyncExitStack() as stack:
            stage = await stack.enter_async_context(ahead.adopted(wideband=plan.wideband)) if ahead else None
            if stage is None:
                name = f"broadcast-{plan.broadcast_id}"
                stage = await stack.enter_async_context(
                    open_stage(self._client, name, self._seats, wideband=plan.wideband)
                )
            yield stage

    @contextlib.asynccontextmanager
    async def _opening(self, plan: Plan, airing: Airing, rows: BroadcastRows) -> AsyncIterator[None]:
        """Send and measure sound during the block; the opening is stored while the chime plays."""
        opened = now()
        airing.audio_begins(opened)
        rows.write(partial(set_on_air, plan=plan, at=opened))
        tell = partial(self._levels.tell, plan.broadcast_id)
        try:
            async with kept_going(partial(measure_level, self._client, airing.bridge, tell)):
                yield
        finally:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._levels.forget, plan.broadcast_id)

    async def _play(self, plan: Plan, airing: Airing, content: Content, *, opens: bool) -> Ending:
        """Play opening, label and content; in an emergency the label comes last, so that it delays nothing.

        A node that `opens` too late plays only the content.
        """
        if opens:
            await airing.open(plan.opening)
        if opens and plan.label and not plan.is_urgent:
            await self._play_label(plan, airing)
        ending = await content.run(airing)
        if plan.label and plan.is_urgent and ending.event is BroadcastEvent.END:
            await self._play_label(plan, airing)
        return ending

    async def _play_label(self, plan: Plan, airing: Airing) -> None:
        try:
            await airing.play(plan.label)
        except NotPlayed:
            log.warning("broadcast.label_not_played", broadcast=plan.broadcast_id)

    async def _sign_off(self, airing: Airing) -> None:
        """Play the closing chime."""
        with contextlib.suppress(AriError, HungUp):
            await airing.play(self.sounds.closing_chime)

    def _voice_is_on(self, broadcast_id: int, rows: BroadcastRows, common: CommonTime | None = None) -> None:
        at = now()
        if common is None:
            rows.write(lambda session: broadcast_lifecycle.voice_is_on(session, broadcast_id, at))
        else:
            rows.write(lambda session: sharing.sounds_from(session, broadcast_id, common.sounds_at))
        log.info("broadcast.on", broadcast=broadcast_id)

    async def _close(
        self, broadcast_id: int, ending: Ending, rows: BroadcastRows, *, is_shared: bool | None = None
    ) -> Outcome:
        ended = self.clock.common(now()) if is_shared else now()

        async def prepare() -> tuple[bool, Stored | None]:
            closes = is_shared is False or await end_part(self._database, broadcast_id, self.node, ending)
            return closes, await asyncio.to_thread(self._recordings.put, broadcast_id)

        def close(session: Session, prepared: tuple[bool, Stored | None]) -> Outcome:
            if not prepared[0]:
                return broadcast_lifecycle.outcome_of(session.get_one(Broadcast, broadcast_id).deliveries)
            outcome = broadcast_lifecycle.finish(session, broadcast_id, ending.event, ended, ending.reason)
            self._recordings.collect(session, broadcast_id, prepared[1])
            return outcome

        def closed() -> None:
            self._running.discard(broadcast_id)
            self._recordings.let_go(self._recordings.name(broadcast_id))

        outcome = await rows.close(prepare, close, closed)
        log.info(
            "broadcast.closed",
            broadcast=broadcast_id,
            how=str(ending.event),
            reason=ending.reason,
            heard=outcome.heard,
            total=outcome.total,
        )
        return outcome


def _not_recorded(session: Session, broadcast_id: int) -> None:
    about = f"broadcast:{broadcast_id}"
    raise_alarm(session, AlarmKind.RECORDING_FAILED, about, message("broadcast.not_recorded"))
