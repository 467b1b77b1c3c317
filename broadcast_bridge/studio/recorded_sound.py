"""Sound files as the content of a broadcast: once, several times, or until stopped."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from broadcast_bridge.broadcasts.states import BroadcastEvent, Reason
from broadcast_bridge.studio.broadcast_on_air import Airing, Ending
from haichieu.ari.errors import NotPlayed


@dataclass(frozen=True)
class Clip:
    """One sound file: its path without extension, and its length."""

    path: str
    seconds: float


@dataclass(frozen=True)
class RecordedSound:
    """`clips` in order, the first time from `skip_seconds` on."""

    clips: Sequence[Clip]
    skip_seconds: float
    times: int
    pause_seconds: float
    voice_is_on: Callable[[], None]

    async def run(self, airing: Airing) -> Ending:
        """Play it `times` times, or until cancelled if `times` is 0; return how it ended."""
        self.voice_is_on()
        played, skip = 0, self.skip_seconds
        try:
            while True:
                for clip in self.clips:
                    if skip < clip.seconds:
                        await airing.play(clip.path, skip)
                    skip = max(skip - clip.seconds, 0.0)
                played, skip = played + 1, 0.0
                if played == self.times:
                    return Ending(BroadcastEvent.END)
                await asyncio.sleep(self.pause_seconds)
        except NotPlayed:
            return Ending(BroadcastEvent.FAIL, Reason.NO_SOUND)
