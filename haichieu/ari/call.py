"""Telephone call whose handler reads top to bottom: answer, say, ask, hang up.

A hang-up by the other side raises `HungUp` in the current `await`, so a handler needs no flags: it is linear code
inside `async with`.
"""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Self

import structlog

from haichieu.ari import operations
from haichieu.ari.client import APPLICATION, AriClient
from haichieu.ari.errors import AriError, AriRefused, HungUp, Lost, NoSuchThing, NotAnswered, WrongMoment
from haichieu.ari.events import RECONNECTED, Event, gives_sign, is_up
from haichieu.ari.key_events import Digits, is_echo
from haichieu.ari.operations import Operation
from haichieu.ari.playing import SPARE_SECONDS, longest_seconds, media, playback_ids
from haichieu.phone_numbers import caller_id

log = structlog.get_logger()

INTERRUPTED = "Interrupted"
"""An event of our own."""

ANSWERED_BRIDGE = "answered-"
"""Prefix of the bridges in which Asterisk dials outgoing calls."""

GONE = frozenset({"StasisEnd", "ChannelHangupRequest", "ChannelDestroyed", "ChannelLost"})
HOLDS = {"ChannelHold": True, "ChannelUnhold": False}
ENDS_RECORDING = frozenset({"RecordingFinished", "RecordingFailed"})


class Call:
    """One channel, from claim to release. Keys pressed early are buffered for the next question."""

    def __init__(self, client: AriClient, channel_id: str, caller_number: str | None, dialled: str) -> None:
        self.id = channel_id
        self.caller_number = caller_number
        self.dialled = dialled
        self.may_have_dialled = (dialled,)
        """The numbers by which the carrier names the one that was dialled; the likeliest first."""
        self.line = ""
        """The account that it arrives at: a trunk's or a phone's."""
        self.protocol_id = ""
        """Its Call-ID (RFC 3261 §8.1.1.4), once a call that we make has been answered."""
        self.hung_up = False
        self.held = False
        """The other side holds the call."""
        self._client = client
        self._keys: deque[str] = deque()
        self._last_key: Event | None = None
        self._playback: str | None = None
        self._playback_ids = itertools.cycle(playback_ids(channel_id))
        self._played = True
        self._recording: str | None = None
        self._recorded = True
        self._claim = client.events.claim(channel_id)

    @classmethod
    def arriving(cls, client: AriClient, started: Event) -> "Call":
        """Take the call that a StasisStart event announces; synchronous, so that no event slips by."""
        channel = started.body["channel"]
        dialled = [number for number in started.body["args"][1:] if number]
        first = dialled[0] if dialled else ""
        call = cls(client, channel["id"], caller_id(channel["caller"]["number"]), first)
        call.may_have_dialled = tuple(dialled)
        call.line = channel["name"].rpartition("-")[0]
        return call

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.end()

    async def end(self) -> None:
        """Hang up and release the channel."""
        try:
            await self.hang_up()
        finally:
            self._client.lines.give_back(self.id)
            self._claim.release()

    async def started(self) -> None:
        """Wait until the channel is in our application: a new one is before it is dialled. Raises as `answered`."""
        await self._until(lambda event: event.type == "StasisStart")

    async def answered(self, sign_seconds: float | None = None) -> None:
        """Wait until the other side answers the channel, which has been dialled.

        Raises NotAnswered with the Q.850 cause if it does not, or if it neither rings nor plays sound within
        `sign_seconds`, and HungUp when interrupted.
        """
        try:
            async with asyncio.timeout(sign_seconds):
                event = await self._until(gives_sign)
        except TimeoutError:
            raise NotAnswered(NotAnswered.SILENT, "no response") from None
        if not is_up(event):
            await self._until(is_up)

    async def _until(self, happened: Callable[[Event], bool]) -> Event:
        while True:
            event = await self._claim.queue.get()
            self.protocol_id = event.body.get("channel", {}).get("protocol_id") or self.protocol_id
            if happened(event):
                return event
            if event.type == INTERRUPTED:
                raise HungUp("ari.given_up")
            if event.type in ("ChannelDestroyed", "ChannelLost"):
                self.hung_up = True
                raise NotAnswered(
                    int(event.body.get("cause", NotAnswered.UNREACHABLE)),
                    str(event.body.get("cause_txt", "lost")),
                    int(event.body.get("tech_cause", 0)),
                )

    async def place(
        self,
        endpoint: str,
        *,
        role: str,
        timeout: float,
        variables: Mapping[str, str] | None = None,
        other_channel_id: str | None = None,
        formats: str | None = None,
    ) -> None:
        """Make this channel and have it call `endpoint`; `answered` waits for the other side.

        Asterisk gives up after `timeout` seconds. A redirection (SIP 3xx) ends the call. Keys, role and events of the
        channel are ours from its first moment on. Raises AriError, and NotAnswered or HungUp as `answered` does;
        NotAnswered also when no line is free.
        """
        self._client.lines.take(self.id, endpoint)
        await self._client.request(
            operations.CREATE_CHANNEL,
            channelId=self.id,
            otherChannelId=other_channel_id,
            endpoint=endpoint,
            app=APPLICATION,
            appArgs=role,
            formats=formats,
            body={"variables": dict(variables or {})},
        )
        await self.started()  # Asterisk dials no channel that is not yet in the application
        await self._client.request(operations.DIAL, channelId=self.id, timeout=max(int(timeout), 1))

    async def leave_dial_bridge(self) -> None:
        """Take the answered channel out of the bridge in which Asterisk dialled it. Raises HungUp.

        It cannot be recorded there, and from there it comes into another bridge without its role. Only another bridge
        takes it out: a mixing bridge, because after a holding bridge a wideband channel stays at 8 kHz.
        """
        bridge = f"{ANSWERED_BRIDGE}{self.id}"
        try:
            await self._client.request(operations.CREATE_BRIDGE, bridgeId=bridge, type="mixing", name=bridge)
            try:
                await self._client.request(operations.ADD_TO_BRIDGE, bridgeId=bridge, channel=self.id)
                await self._client.request(operations.REMOVE_FROM_BRIDGE, bridgeId=bridge, channel=self.id)
            except AriRefused as problem:  # perhaps it still exists: `end` hangs up
                raise HungUp("ari.hung_up") from problem
        finally:
            with contextlib.suppress(AriError):
                await self._client.request(operations.DESTROY_BRIDGE, bridgeId=bridge)

    async def answer(self) -> None:
        """Answer the call (SIP 200)."""
        await self._do(operations.ANSWER)

    async def ring(self) -> None:
        """Let the other side hear that it rings (SIP 180, or a ringing tone once it is answered)."""
        await self._do(operations.RING)

    async def stop_ringing(self) -> None:
        """End the ringing tone of an answered call."""
        await self._do(operations.STOP_RINGING)

    async def say(self, *sounds: str) -> None:
        """Play sound files (paths without extension) to their end; one that cannot be played is passed over."""
        await self.plays(*sounds)

    async def plays(self, *sounds: str, skip_seconds: float = 0.0) -> bool:
        """As `say`, the first sound from `skip_seconds` on; return whether Asterisk could play the last one.

        It cannot play a missing file or an unsupported format, and none that takes far longer than it is.
        """
        self._played = True
        async with self._playing(sounds, skip_seconds):
            try:
                async with asyncio.timeout(longest_seconds(sounds)):
                    while self._playback:
                        await self._next_event()
            except TimeoutError:
                log.warning("call.sound_does_not_end", call=self.id)
                self._played = False
        return self._played

    async def ask(
        self,
        *sounds: str,
        max_digits: int = 20,
        terminator: str = "#",
        first_digit_seconds: float = 6.0,
        next_digit_seconds: float = 4.0,
    ) -> Digits:
        """Play a question and collect keys. A key pressed during the question ends it and counts (barge-in).

        Ends with the terminator (which is not part of the answer), at `max_digits`, or after silence:
        `first_digit_seconds` from the end of the question, `next_digit_seconds` from the last key.
        """
        keys = ""
        clock = asyncio.get_running_loop().time
        async with self._playing(() if self._keys else sounds):
            deadline = None if self._playback else clock() + first_digit_seconds
            latest = clock() + longest_seconds(sounds)
            while True:
                while self._keys:
                    key = self._keys.popleft()
                    if key in terminator:
                        return Digits(keys, "terminator")
                    keys += key
                    if len(keys) >= max_digits:
                        return Digits(keys, "length")
                    deadline = clock() + next_digit_seconds
                if keys:
                    await self._stop_playing()
                try:
                    async with asyncio.timeout_at(latest if deadline is None else deadline):
                        await self._next_event()
                except TimeoutError:
                    if deadline is not None:
                        return Digits(keys, "silence")
                    log.warning("call.sound_does_not_end", call=self.id)
                    await self._stop_playing()
                if deadline is None and self._playback is None:
                    deadline = clock() + first_digit_seconds

    async def record(self, name: str, *, max_seconds: int, silence_seconds: int, terminator: str = "#") -> bool:
        """Play the tone, record the caller to `<spool>/recording/<name>.wav`; return whether Asterisk could store it.

        Tone and recording are one request: no caller hears the tone without being recorded, even if we crash.

        Ends with the terminator, after `silence_seconds` without a voice, or at `max_seconds`; the file is closed
        then. A hang-up raises HungUp and keeps the recording up to that moment.
        """
        self.forget_keys()
        self._recording, self._recorded = name, True
        await self._do(
            operations.RECORD,
            name=name,
            format="wav",
            ifExists="overwrite",
            maxDurationSeconds=str(max_seconds),
            maxSilenceSeconds=str(silence_seconds),
            terminateOn=terminator,
            beep="true",
        )
        try:
            async with asyncio.timeout(max_seconds + SPARE_SECONDS):
                while self._recording:
                    await self._next_event()
        except TimeoutError:
            log.warning("call.recording_does_not_end", call=self.id)
            self._recording = None
            with contextlib.suppress(AriError):
                await self._client.request(operations.STOP_RECORDING, recordingName=name)
        self.forget_keys()  # the key that ended it
        # Asterisk reports the end of a recording whose file it could not open like that of any other.
        return self._recorded and await self._exists(operations.GET_STORED_RECORDING, recordingName=name)

    async def wait_for_key(self, keys: str) -> str:
        """Wait, as long as it takes, until one of `keys` is pressed; others are forgotten."""
        while True:
            if (key := await self.key_or_hold(keys)) is not None:
                return key

    async def key_or_hold(self, keys: str) -> str | None:
        """As `wait_for_key`, but return None as soon as the other side is found to hold or resume the call."""
        before = self.held
        while True:
            while self._keys:
                if (key := self._keys.popleft()) in keys:
                    return key
            if self.held is not before:
                return None
            await self._next_event()

    async def until_held(self, held: bool) -> None:
        """Wait until the other side holds the call, or has resumed it."""
        while self.held is not held:
            await self._next_event()

    async def until_hung_up(self) -> None:
        """Wait for the other side to hang up, which raises HungUp."""
        while True:
            await self._next_event()

    def forget_keys(self) -> None:
        """Drop buffered keys: the next question must be answered deliberately."""
        while not self._claim.queue.empty():
            self._take(self._claim.queue.get_nowait())
        self._keys.clear()

    def when_gone(self, act: Callable[[], None]) -> None:
        """Call `act`, not an earlier one, as soon as the other side hangs up, whatever the handler waits for."""
        self._claim.heard = lambda event: act() if event.type in GONE else None

    def interrupt(self) -> None:
        """Raise HungUp in the handler of this call; the channel ends with the call's block."""
        self._claim.queue.put_nowait(Event(INTERRUPTED, {}))

    async def hang_up(self) -> None:
        """End the call; does nothing when it is over."""
        if not self.hung_up:
            self.hung_up = True
            with contextlib.suppress(AriError):
                await self._client.request(operations.HANG_UP, channelId=self.id, reason="normal")

    @contextlib.asynccontextmanager
    async def _playing(self, sounds: tuple[str, ...], skip_seconds: float = 0.0) -> AsyncIterator[None]:
        if sounds:
            self._playback = next(self._playback_ids)
            offset = {"offsetms": str(round(skip_seconds * 1000))} if skip_seconds else {}
            await self._do(operations.PLAY, playbackId=self._playback, media=media(sounds), **offset)
        try:
            yield
        finally:
            await self._stop_playing()

    async def _stop_playing(self) -> None:
        playback, self._playback = self._playback, None
        if playback and not self.hung_up:
            with contextlib.suppress(AriError):
                await self._client.request(operations.STOP_PLAYBACK, playbackId=playback)

    async def _do(self, operation: Operation, **parameters: str) -> None:
        """Do something to this channel; a channel that is gone, or leaving, means that the caller hung up."""
        if self.hung_up:
            raise HungUp("ari.call_over")
        try:
            await self._client.request(operation, body=None, channelId=self.id, **parameters)
        except (NoSuchThing, WrongMoment) as problem:
            self.hung_up = True
            raise HungUp("ari.call_over") from problem

    async def _next_event(self) -> Event:
        event = await self._claim.queue.get()
        self._take(event)
        if event.type == RECONNECTED:
            await self._ask_again()
        if event.type == INTERRUPTED:
            raise HungUp("ari.given_up")
        if event.type == "ChannelLost":
            raise Lost("ari.call_lost")
        if self.hung_up:
            raise HungUp("ari.hung_up")
        return event

    async def _ask_again(self) -> None:
        """Ask whether what we wait for has ended while no event could reach us."""
        playback, recording = self._playback, self._recording
        if playback and not await self._exists(operations.GET_PLAYBACK, playbackId=playback):
            self._playback = None
        if recording and not await self._exists(operations.GET_RUNNING_RECORDING, recordingName=recording):
            self._recording = None

    async def _exists(self, operation: Operation, **name: str) -> bool:
        """Return whether Asterisk has something; True while that cannot be known."""
        try:
            await self._client.request(operation, body=None, **name)
        except NoSuchThing:
            return False
        except AriError as problem:
            log.warning("call.state_unknown", call=self.id, problem=type(problem).__name__)
        return True

    def _take(self, event: Event) -> None:
        if event.type in GONE:
            self.hung_up = True
        elif event.type in HOLDS:
            self.held = HOLDS[event.type]
        elif event.type == "ChannelDtmfReceived":
            if not (self._last_key and is_echo(self._last_key, event)):
                self._keys.append(event.body["digit"])
                self._last_key = event
        elif event.type == "PlaybackFinished" and event.body["playback"]["id"] == self._playback:
            self._playback = None
            self._played = event.body["playback"]["state"] != "failed"
        elif event.type in ENDS_RECORDING and event.body["recording"]["name"] == self._recording:
            self._recording, self._recorded = None, event.type == "RecordingFinished"
