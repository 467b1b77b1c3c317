"""Sound files as the content of a broadcast: once, several times, or until stopped."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from broadcast_bridge.broadcasts.states import BroadcastEvent, Reason
from broadcast_bridge.studio.broadcast_on_air import Airing, Ending
from broadcast_bridge.studio.common_time import CLIP_SPARE
from haichieu.ari.errors import NotPlayed


@dataclass(frozen=True)
class Clip:
    """One sound file: its path without extension, and its length."""

    path: str
    seconds: float


BeginClip = Callable[[float], Awaitable[float]]
"""Wait until a clip is due, so many seconds after the first; return how many seconds of it to skip."""
MoreClips = Callable[[int], Awaitable[Sequence[Clip]]]
"""Wait for clips after so many; return none when the broadcast has no more. Raises NotPlayed when they do not come."""


@dataclass(frozen=True)
class RecordedSound:
    """`clips` in order, the first time from `skip_seconds` on; `more` brings those that are still being made."""

    clips: Sequence[Clip]
    skip_seconds: float
    times: int
    pause_seconds: float
    voice_is_on: Callable[[], None]
    more: MoreClips | None = None
    begin: BeginClip | None = None
    """Of a broadcast that other nodes play in step; not given, the clips follow each other at once."""

    async def run(self, airing: Airing) -> Ending:
        """Play it `times` times, or until cancelled if `times` is 0; return how it ended."""
        self.voice_is_on()
        if self.begin is not None and self.more is None:
            return await self._in_step(airing, self.begin)
        played, clips = 0, list(self.clips)
        skip = self.skip_seconds if self.begin is None else await self.begin(0.0)
        try:
            while True:
                position = 0
                while position < len(clips) or await self._more(clips):
                    clip = clips[position]
                    if skip < clip.seconds:
                        await airing.play(clip.path, skip)
                    skip = max(skip - clip.seconds, 0.0)
                    position += 1
                played, skip = played + 1, 0.0
                if played == self.times:
                    return Ending(BroadcastEvent.END)
                await asyncio.sleep(self.pause_seconds)
        except NotPlayed:
            return Ending(BroadcastEvent.FAIL, Reason.NO_SOUND)

    async def _in_step(self, airing: Airing, begin: BeginClip) -> Ending:
        """Play it together with other nodes: each clip has its moment, and a late node skips what is over."""
        played, due = 0, 0.0
        try:
            while True:
                for clip in self.clips:
                    skip = await begin(due)
                    if skip < clip.seconds:
                        await airing.play(clip.path, skip)
                    due += clip.seconds + CLIP_SPARE
                played += 1
                due += self.pause_seconds
                if played == self.times:
                    return Ending(BroadcastEvent.END)
                await begin(due)
        except NotPlayed:
            return Ending(BroadcastEvent.FAIL, Reason.NO_SOUND)

    async def _more(self, clips: list[Clip]) -> bool:
        """Add the clips that have been made since; return False when none will come."""
        if self.more is not None:
            clips += (found := await self.more(len(clips)))
            return bool(found)
        return False
