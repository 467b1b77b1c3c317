"""Agreed moments of a broadcast that several nodes play in step, by the clock of their database.

A node that is late, since it was called in later or its machine was busy, continues at the position of the others.
"""

import asyncio
import datetime
from dataclasses import dataclass

from haichieu.node_clock import NodeClock

OPENING_SPARE = datetime.timedelta(seconds=0.3)
"""Between the end of the opening and the sounds: a node takes some milliseconds to start a sound."""
CLIP_SPARE = 0.06
"""The same between two sounds, in seconds."""
LATE_SECONDS = 0.25
"""From this delay on, a sound is begun at the position of the others: what was said meanwhile is lost here."""


@dataclass(frozen=True)
class CommonTime:
    """When the nodes begin the opening, which takes `opening_seconds`, and then the sounds."""

    clock: NodeClock
    starts_at: datetime.datetime
    opening_seconds: float

    @property
    def sounds_at(self) -> datetime.datetime:
        """When the sounds begin."""
        return self.starts_at + datetime.timedelta(seconds=self.opening_seconds) + OPENING_SPARE

    async def opening(self) -> bool:
        """Wait for the opening; return whether this node is in time for it."""
        late = await self._until(self.starts_at)
        return late <= LATE_SECONDS

    async def clip(self, begins: float) -> float:
        """Wait until the moment `begins` seconds after the first sound; return how many seconds of the clip to skip."""
        late = await self._until(self.sounds_at + datetime.timedelta(seconds=begins))
        return late if late > LATE_SECONDS else 0.0

    async def _until(self, moment: datetime.datetime) -> float:
        """Wait until a moment, and return by how many seconds it has passed."""
        await asyncio.sleep(max((moment - self.clock.now()).total_seconds(), 0.0))
        return (self.clock.now() - moment).total_seconds()
