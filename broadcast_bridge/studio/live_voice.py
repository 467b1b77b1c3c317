"""Live voice of a caller as the content of a broadcast, with its recording."""

import asyncio
import contextlib
from collections.abc import Callable

from broadcast_bridge.broadcasts.states import BroadcastEvent, Reason
from broadcast_bridge.studio.broadcast_on_air import Airing, Ending
from haichieu.ari.call import Call
from haichieu.ari.errors import AriError, AriRefused, HungUp, Lost

HANG_UP_TOLD_SECONDS = 1.0
"""The hang-up event follows within this time after a request has found the channel gone."""


class LiveVoice:
    """One caller on the speakers until `#`, hang-up or the time limit."""

    def __init__(
        self,
        call: Call,
        ready_tone: str,
        recording: str,
        max_seconds: float,
        voice_is_on: Callable[[], None],
        not_recorded: Callable[[], None],
    ) -> None:
        """`recording` is Asterisk's name for it; the callbacks report that the voice is on, or was not recorded."""
        self.left: HungUp | None = None
        """The caller's hang-up, when that ended the broadcast."""
        self._call = call
        self._ready_tone = ready_tone
        self._recording = recording
        self._max_seconds = max_seconds
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
            await self._take_off(airing)

    async def _speak(self, airing: Airing) -> Ending:
        reason: Reason | None = Reason.CALLER_LEFT
        try:
            await airing.bridge.record(self._recording, int(self._max_seconds) + 60)
            await self._let_in(airing)
            reason = None
            self._voice_is_on()
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
            # A channel can be gone a moment before its hang-up event: Asterisk did not fail.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HANG_UP_TOLD_SECONDS):
                    await self._call.until_hung_up()
            raise

    async def _take_off(self, airing: Airing) -> None:
        with contextlib.suppress(AriError):  # a caller who hung up has left the bridge already
            await airing.bridge.remove(self._call.id)
        if not await airing.bridge.stop_recording(self._recording):
            self._not_recorded()
