"""Live voice of a caller as the content of a broadcast, with its recording."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from broadcast_bridge.broadcasts.states import BroadcastEvent, Reason
from broadcast_bridge.studio.broadcast_on_air import Airing, Ending
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, AriRefused, HungUp, Lost
from haichieu.ari.in_call import comfort

log = structlog.get_logger()

HANG_UP_TOLD_SECONDS = 1.0
"""The hang-up event follows within this time after a request has found the channel gone."""


@dataclass(frozen=True)
class Limits:
    """The most seconds that a caller may speak, and may hold the call at one time."""

    speak: float
    hold: float


class HeldTooLong(Exception):
    """The caller has held the call for longer than allowed."""


class LiveVoice:
    """One caller on the speakers until `#`, hang-up or the time limit.

    A caller who holds the call is taken off the speakers, which hear silence: the telephone, or its carrier, sends
    music on hold.
    """

    def __init__(
        self,
        client: AriClient,
        call: Call,
        ready_tone: str,
        recording: str,
        limits: Limits,
        voice_is_on: Callable[[], None],
        not_recorded: Callable[[], None],
    ) -> None:
        """`recording` is Asterisk's name for it; the callbacks report that the voice is on, or was not recorded."""
        self.left: HungUp | None = None
        """The caller's hang-up, when that ended the broadcast."""
        self._was_on = False
        self._client = client
        self._call = call
        self._ready_tone = ready_tone
        self._recording = recording
        self._limits = limits
        self._voice_is_on = voice_is_on
        self._not_recorded = not_recorded

    async def run(self, airing: Airing) -> Ending:
        """Put the voice on air and return how it ended; the voice is then off and the recording closed."""
        try:
            await self._call.say(self._ready_tone)  # a caller who hangs up now has said nothing worth storing
        except Lost:
            raise
        except HungUp as hung_up:
            self.left = hung_up
            return Ending(BroadcastEvent.END, Reason.CALLER_LEFT)
        try:
            return await self._speak(airing)
        finally:
            if not await airing.bridge.stop_recording(self._recording):
                self._not_recorded()

    async def _speak(self, airing: Airing) -> Ending:
        reason: Reason | None = None
        try:
            await airing.bridge.record(self._recording, int(self._limits.speak) + 60)
            async with asyncio.timeout(self._limits.speak):
                while not await self._until_key(airing):
                    await self._until_resumed()
        except HeldTooLong:
            reason = Reason.CALLER_HOLDS
        except TimeoutError:
            reason = Reason.TIME_LIMIT
        except Lost:
            raise
        except HungUp as hung_up:
            self.left = hung_up
            reason = None if self._was_on else Reason.CALLER_LEFT
        return Ending(BroadcastEvent.END, reason)

    async def _until_key(self, airing: Airing) -> bool:
        """Put the voice on air until the caller presses `#` or holds the call; return whether it was the key."""
        if self._call.held:
            return False
        async with airing.another_voice():
            try:
                await self._let_in(airing)
                if not self._was_on:
                    self._was_on = True
                    self._voice_is_on()
                async with comfort(self._client, self._call.id):
                    return await self._call.key_or_hold("#") is not None
            finally:
                with contextlib.suppress(AriError):  # a caller who hung up has left the bridge already
                    await airing.bridge.remove(self._call.id)

    async def _until_resumed(self) -> None:
        log.info("broadcast.held", call=self._call.id)
        try:
            async with asyncio.timeout(self._limits.hold):
                await self._call.until_held(False)
        except TimeoutError:
            raise HeldTooLong from None
        log.info("broadcast.resumed", call=self._call.id)

    async def _let_in(self, airing: Airing) -> None:
        try:
            await airing.bridge.add([self._call.id], role="announcer")
        except AriRefused:
            # A channel can be gone a moment before its hang-up event: Asterisk did not fail.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HANG_UP_TOLD_SECONDS):
                    await self._call.until_hung_up()
            raise
