"""Bridge, joiner, fan-out and announcer of one broadcast: all that a speaker has to join to hear it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from broadcast_bridge.studio.direct_sound import DirectSound, seating
from broadcast_bridge.studio.joiner import Joiner, Place
from broadcast_bridge.studio.seats import SeatPool
from broadcast_bridge.studio.speaker_target import LegTarget
from haichieu.ari.bridge import Announcer, Bridge, announcer, loudspeaker_bridge
from haichieu.ari.client import AriClient
from haichieu.background import in_background, kept_going


@dataclass(frozen=True)
class Stage:
    """A bridge whose speakers, there or on seats at the fan-out, get silence as soon as its `voice` is there."""

    bridge: Bridge
    joiner: Joiner
    wideband: bool
    voice: "asyncio.Future[Announcer]"
    """Raises NotStarted or AriError."""
    gone: asyncio.Event
    """Set when its announcer has ended, perhaps together with Asterisk."""
    direct: DirectSound | None
    """None without a fan-out."""

    @property
    def place(self) -> Place:
        """What gives an answered speaker the sound of the stage."""
        return (self.direct or self.joiner).place

    def prepare(self, targets: Sequence[LegTarget]) -> None:
        """Make ready for speakers that will be called, while everybody gets silence."""
        if self.direct:
            self.direct.prepare(targets)

    def begin(self, targets: Sequence[LegTarget]) -> None:
        """Begin a broadcast to these speakers: from now on nobody waits for a seat."""
        if self.direct:
            self.direct.begin(targets)

    async def settle(self) -> None:
        """Make use of the silence before the content."""
        if self.direct:
            await self.direct.settle()


@contextlib.asynccontextmanager
async def open_stage(client: AriClient, name: str, seats: SeatPool | None, *, wideband: bool) -> AsyncIterator[Stage]:
    """Provide a stage during the block. Speakers may be called at once, while its announcer starts."""
    voice: asyncio.Future[Announcer] = asyncio.get_running_loop().create_future()
    async with loudspeaker_bridge(client, name, wideband=wideband) as bridge:
        joiner = Joiner(client, bridge)
        async with kept_going(joiner.run), seating(seats, bridge, joiner) as direct:
            stage = Stage(bridge, joiner, wideband, voice, asyncio.Event(), direct)
            async with in_background(_announce(client, stage)):
                yield stage


async def _announce(client: AriClient, stage: Stage) -> None:
    try:
        async with announcer(client, stage.bridge, wideband=stage.wideband) as speaking:
            stage.voice.set_result(speaking)
            await speaking.until_gone()
            stage.gone.set()
            await asyncio.get_running_loop().create_future()
    except Exception as problem:
        if stage.voice.done():
            raise
        stage.gone.set()
        stage.voice.set_exception(problem)
        stage.voice.exception()  # the broadcast may be over before anybody asks
