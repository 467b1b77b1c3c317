"""One speaker in one broadcast: called, put on the bridge, and called again when it drops, until the end.

A leg knows its own progress; the studio stores it, many legs at a time.
"""

import asyncio
import contextlib
import datetime
from collections.abc import Callable

import structlog

from broadcast_bridge.broadcasts.broadcast_lifecycle import DeliveryUpdate
from broadcast_bridge.broadcasts.states import DELIVERY, DeliveryEvent, DeliveryState, Reason
from broadcast_bridge.studio.call_refusals import reason_of
from broadcast_bridge.studio.early_call import EarlyCall, Turn, ring, speaker_call
from broadcast_bridge.studio.joiner import Figures, Place
from broadcast_bridge.studio.playing_time import PlayingTime
from broadcast_bridge.studio.signs_of_life import ReceiverReport, SignsOfLife, Verdict, receiver_report
from broadcast_bridge.studio.speaker_target import LegTarget
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, AriRefused, HungUp, NoMedia, NotAnswered
from haichieu.ari.in_call import check
from haichieu.background import in_background
from haichieu.database import now
from haichieu.errors import shown

log = structlog.get_logger()

MOST_ANSWER_SECONDS = 60.0
"""A device that rings for 9 seconds would never be heard if it had 8 each time, so the limit doubles up to this."""

LEAST_MEASURED_SECONDS = 1.0
"""The first measurement may come before the first packet."""

AGAIN_SECONDS = (1.0, 2.0, 5.0, 10.0)
"""Pauses before a speaker is called again: the first after an answered call, then longer with each failure."""


class SpeakerLeg:
    """Keeps one speaker on the bridge for as long as the broadcast lasts."""

    def __init__(
        self,
        client: AriClient,
        target: LegTarget,
        place: Place,
        turn: Turn,
        answer_seconds: float,
        qualify_seconds: float,
        early: Callable[[LegTarget], EarlyCall | None] = lambda _: None,
    ) -> None:
        """`place` gives an answered call its sound. `turn` limits how many are called at once.

        `early` returns the call to a speaker that was called before the broadcast began.
        """
        self.target = target
        self.dirty = False
        """There are changes since the last report."""
        self.joined = asyncio.Event()
        """Set when the speaker has been on the bridge."""
        self._client = client
        self._place = place
        self._early = early
        self._figures: Figures | None = None
        self._turn = turn
        self._answer_seconds = target.answer_seconds or answer_seconds
        self._failures = 0
        """Calls in a row that were not answered."""
        self._qualify_seconds = qualify_seconds
        self._woken = asyncio.Event()
        self._ours = asyncio.Event()
        self._ours.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._state = DeliveryState.PENDING
        self._events: list[DeliveryEvent] = []
        self._in_report = 0
        self._reason: Reason | None = None
        self._attempts = 0
        self._call: Call | None = None
        self._ringing: Call | None = None
        self._life: SignsOfLife | None = None
        self._time = PlayingTime()
        self._joined_at: datetime.datetime | None = None
        self._measured_at: datetime.datetime | None = None
        self._audio_from: datetime.datetime | None = None
        self._first_audio_at: datetime.datetime | None = None
        self._audible = asyncio.Event()
        self._seconds = target.heard_seconds
        self._sent = self._sent_before = 0
        self._lost_before: int | None = None
        self._before_audio: ReceiverReport | None = None
        """What the speaker had reported when the broadcast took its call."""
        self._reported: ReceiverReport | None = None
        self._jitter_ms: float | None = None

    async def run(self) -> None:
        """Call the speaker, repeatedly if necessary, until cancelled; then hang up."""
        if not self.target.reachable:
            self._failed(Reason.NOT_REGISTERED)
            await self._woken.wait()
        while True:
            await self._ours.wait()
            self._woken.clear()
            self._failures = 0 if await self._answered_once() else self._failures + 1
            if self._ours.is_set():
                await self._pause()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_SECONDS[min(self._failures, len(AGAIN_SECONDS) - 1)]):
                await self._woken.wait()

    def returned(self, *, moved: bool) -> None:
        """Call the speaker, which can be reached again.

        If it has `moved`, or was registered again, a call to its old address ends.
        """
        if moved:
            self._drop()
        elif self._life is not None:
            self._life.returned()
        self._woken.set()

    def lost(self) -> None:
        """Take the news that the speaker does not answer OPTIONS; ends a call that it has not answered yet."""
        if self._life is not None:
            self._life.lost(now())
        elif self._ringing is not None:
            self._ringing.interrupt()

    def _drop(self) -> None:
        if (call := self._call or self._ringing) is not None:
            call.interrupt()

    @property
    def ours(self) -> bool:
        """False while a more urgent broadcast has the speaker."""
        return self._ours.is_set()

    async def give_up(self) -> None:
        """End the call for a more urgent broadcast; returns when the line is free."""
        self._ours.clear()
        self._drop()
        self._woken.set()
        await self._idle.wait()

    def take_back(self) -> None:
        """Call the speaker again, which is ours and whose delivery is `pending`."""
        self._state, self._events, self._in_report, self._reason = DeliveryState.PENDING, [], 0, None
        self._ours.set()

    def audio_begins(self, at: datetime.datetime) -> None:
        """Count sound from this moment on."""
        self._audio_from = at
        self._audible.set()
        self._hears()

    async def measure(self) -> None:
        """Fetch the statistics of the call from Asterisk (RTCP reports, RFC 3550 §6.4), and judge by them."""
        call, life, statistics = self._call, self._life, self._figures
        self.dirty = self.dirty or call is not None
        if call is None or life is None or statistics is None:
            return
        try:
            figures = await statistics()
        except NoMedia:
            self._was_mute(call)
            return
        except AriError:
            return  # it is just leaving; keep the figures of five seconds ago
        at = now()
        is_news = life.media(figures, at)
        self._count(call, int(figures.get("txcount", 0)), at)
        report, before = receiver_report(figures), self._before_audio
        if report is not None and (is_news or report != before):
            self._reported, self._jitter_ms = report.since(before), report.jitter_ms
        await self._judge(call, life, at)

    def _was_mute(self, call: Call) -> None:
        """End a call in which nothing was sent; the next one has other ports."""
        log.warning("leg.no_media", speaker=self.target.code)
        self._time = PlayingTime()
        if not self._seconds:
            self._first_audio_at = None
        call.interrupt()

    def _count(self, call: Call, sent: int, at: datetime.datetime) -> None:
        """Count the time since the last measurement if packets have left in it; a moment without any tells nothing."""
        sent += self._sent_before
        since = self._measured_at or self._joined_at or at
        if sent == self._sent:
            if (at - since).total_seconds() < LEAST_MEASURED_SECONDS:
                return
            self._time.stops(since)
        elif not call.held:
            self._time.flows(since)
        self._sent, self._measured_at = sent, at

    async def _judge(self, call: Call, life: SignsOfLife, at: datetime.datetime) -> None:
        verdict = life.verdict(at)
        if verdict is Verdict.GONE:
            call.interrupt()
        elif verdict is Verdict.ASK:
            life.asked(at)
            with contextlib.suppress(AriError):  # it has just ended
                await check(self._client, call.id)

    def report(self) -> DeliveryUpdate:
        """Return the current figures, and the events that were not `reported` yet."""
        self.dirty, self._in_report = False, len(self._events)
        return DeliveryUpdate(
            delivery_id=self.target.delivery_id,
            events=tuple(self._events),
            reason=self._reason or self._why_silent(),
            attempts=self._attempts,
            first_audio_at=self._first_audio_at,
            seconds=round(self._seconds + self._seconds_of_this_call(), 3),
            packets_sent=self._sent,
            packets_lost=self._packets_lost(),
            jitter_ms=self._jitter_ms,
        )

    def reported(self) -> None:
        """Forget the events of the last report, which was written."""
        del self._events[: self._in_report]
        self._in_report = 0

    async def _answered_once(self) -> bool:
        """Make one call from ringing to its end, and return whether it was answered."""
        self._attempts += 1
        self._note(DeliveryEvent.RING)
        self._idle.clear()
        try:
            await self._one_call()
        except NotAnswered as refusal:
            self._failed(reason_of(refusal))
            return False
        except HungUp:
            self._failed(Reason.WENT_SILENT if self._reason is Reason.WENT_SILENT else Reason.DROPPED)
        except AriRefused as problem:  # Asterisk makes no channel to an account without a contact
            log.info("leg.not_called", speaker=self.target.code, problem=shown(problem))
            self._failed(Reason.NOT_REGISTERED)
            return False
        except AriError as problem:
            log.warning("leg.failed", speaker=self.target.code, problem=shown(problem))
            self._failed(Reason.INTERNAL_ERROR)
            return False
        except Exception:
            log.exception("leg.failed", speaker=self.target.code)
            self._failed(Reason.INTERNAL_ERROR)
            return False
        finally:
            self._idle.set()
        return True

    async def _one_call(self) -> None:
        """Call, join the bridge and stay; ends with NotAnswered, or with HungUp when the speaker leaves."""
        early = self._early(self.target)
        if early is not None and (early.is_over or not early.target.is_called_like(self.target)):
            await early.end()
            early = None
        if early is not None:
            await self._one_early_call(early)
            return
        async with speaker_call(self._client, self.target) as call:
            seconds = min(self._answer_seconds * 2**self._failures, MOST_ANSWER_SECONDS)
            self._ringing = call
            try:
                await ring(call, self.target, self._turn, seconds)
            finally:
                self._ringing = None
            async with self._place(self.target, call) as figures:
                await self._play(call, figures, None)

    async def _one_early_call(self, early: EarlyCall) -> None:
        """Continue a call that was made before the broadcast began."""
        early.take()
        async with early:
            self._ringing = early.call
            try:
                await early.answered()
            finally:
                self._ringing = None
            if early.place == self._place:
                await self._play(early.call, early.figures, early.answered_at)
                return
            async with self._place(self.target, early.call) as figures:
                await early.leave_place()
                await self._play(early.call, figures, early.answered_at)

    async def _play(self, call: Call, figures: Figures, answered_at: datetime.datetime | None) -> None:
        """Stay where its sound is until the speaker leaves, which raises HungUp."""
        self._call, self._figures, self._joined_at, self._reason = call, figures, now(), None
        seen_at = answered_at or self._joined_at
        self._life = SignsOfLife(seen_at, self._qualify_seconds) if self.target.supervised else None
        self._time, self._measured_at = PlayingTime(), None
        self._time.flows(self._joined_at)
        try:
            self._note(DeliveryEvent.PLAY)
            self._hears()
            self.joined.set()
            got_silence = answered_at is not None and not self._audible.is_set()
            async with in_background(*([self._leave_out_what_was(figures)] if got_silence else [])):
                await self._follow_holds(call)
        finally:
            self._seconds += self._seconds_of_this_call()
            self._sent_before, self._lost_before, self._reported = self._sent, self._packets_lost(), None
            self._before_audio = None
            self._reason = self._why_silent()
            self._call = self._figures = self._joined_at = self._life = None
            self.dirty = True  # the last seconds have not been reported yet

    async def _leave_out_what_was(self, statistics: Figures) -> None:
        """Count neither the silence that was sent before the broadcast nor what was reported about it."""
        await self._audible.wait()  # the requests of hundreds of speakers must not delay the first sound
        try:
            figures = await statistics()
        except AriError:
            return  # it is just leaving
        if self._life is not None:
            self._life.media(figures, now())
        self._sent_before -= int(figures.get("txcount", 0))
        self._before_audio = receiver_report(figures)

    async def _follow_holds(self, call: Call) -> None:
        """Stop counting while the speaker holds us: Asterisk sends nothing to one that wants nothing."""
        while True:
            await call.until_held(True)
            self._time.stops(now())
            self.dirty = True
            await call.until_held(False)
            self._time.flows(now())
            self.dirty = True

    def _why_silent(self) -> Reason | None:
        """Return why a speaker in a call gets no sound, or None when it gets it."""
        if self._call is None or self._life is None:
            return None
        if self._call.held:
            return Reason.HOLDS
        at = now()
        return Reason.WENT_SILENT if self._life.last(at) < at else None

    def _packets_lost(self) -> int | None:
        """Return the packets that the speaker reported lost; None when it has never reported."""
        if self._reported is None:
            return self._lost_before
        return (self._lost_before or 0) + self._reported.lost

    def _hears(self) -> None:
        if self._joined_at and self._audio_from and not self._first_audio_at:
            self._first_audio_at = max(self._joined_at, self._audio_from)
            self.dirty = True

    def _seconds_of_this_call(self) -> float:
        if self._joined_at is None or self._audio_from is None:
            return 0.0
        at = now()
        return self._time.seconds(self._audio_from, self._life.last(at) if self._life else at)

    def _failed(self, reason: Reason) -> None:
        self._reason = reason
        self.dirty = True
        if self._state is not DeliveryState.PENDING:
            self._note(DeliveryEvent.DROP)

    def _note(self, event: DeliveryEvent) -> None:
        self._state = DELIVERY.after(self._state, event)
        self._events.append(event)
        self.dirty = True
