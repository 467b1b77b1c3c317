"""A caller's voice as the content of a broadcast: let in, recorded, taken off again."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from broadcast_bridge.broadcasts.states import BroadcastEvent, Reason
from broadcast_bridge.studio.on_air import Airing, Ending
from haichieu.ari.call import Call
from haichieu.ari.errors import AriError, AriRefused, HungUp, Lost

HANG_UP_TOLD_SECONDS = 1.0
"""A hang-up is told within this, once a request has found the channel gone."""


class LiveVoice:
    """One caller on the speakers until `#`, hang-up or the time limit."""

    def __init__(
        self,
        call: Call,
        ready_tone: str,
        recording: str,
        max_seconds: float,
        voice_is_on: Callable[[], Awaitable[None]],
        not_recorded: Callable[[], Awaitable[None]],
    ) -> None:
        """`recording` is the name Asterisk keeps it under; the last two are told of what they are called."""
        self.left: HungUp | None = None
        """How the caller hung up, when that is how it ended."""
        self._call = call
        self._ready_tone = ready_tone
        self._recording = recording
        self._max_seconds = max_seconds
        self._voice_is_on = voice_is_on
        self._not_recorded = not_recorded

    async def run(self, airing: Airing) -> Ending:
        """Let the voice in; return how it ended. However it ends, the voice is off and the recording closed."""
        try:
            await self._call.say(self._ready_tone)  # who leaves now has said nothing that could be kept
        except Lost:
            raise
        except HungUp as hung_up:
            self.left = hung_up
            return Ending(BroadcastEvent.END, Reason.CALLER_LEFT)
        try:
            return await self._speak(airing)
        finally:
            await self._take_off(airing)

    async def _speak(self, airing: Airing) -> Ending:
        reason: Reason | None = Reason.CALLER_LEFT
        try:
            await airing.bridge.record(self._recording, int(self._max_seconds) + 60)
            await self._let_in(airing)
            reason = None
            await self._voice_is_on()
            async with asyncio.timeout(self._max_seconds):
                await self._call.wait_for_key("#")
        except TimeoutError:
            reason = Reason.TIME_LIMIT
        except Lost:
            raise
        except HungUp as hung_up:
            self.left = hung_up
        return Ending(BroadcastEvent.END, reason)

    async def _let_in(self, airing: Airing) -> None:
        try:
            await airing.bridge.add([self._call.id], role="announcer")
        except AriRefused:
            # A channel can be gone a moment before its hang-up is told: that is no fault of Asterisk.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HANG_UP_TOLD_SECONDS):
                    await self._call.until_hung_up()
            raise

    async def _take_off(self, airing: Airing) -> None:
        with contextlib.suppress(AriError):  # who hung up has left the bridge already
            await airing.bridge.remove(self._call.id)
        if not await airing.bridge.stop_recording(self._recording):
            await self._not_recorded()
