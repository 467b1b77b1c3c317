"""Bridge, joiner and announcer of one broadcast: all that a speaker has to join to hear it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from broadcast_bridge.studio.joiner import Joiner
from haichieu.ari.bridge import Announcer, Bridge, announcer, loudspeaker_bridge
from haichieu.ari.client import AriClient
from haichieu.background import in_background, kept_going


@dataclass(frozen=True)
class Stage:
    """A bridge on which speakers get silence as soon as its `voice` is there."""

    bridge: Bridge
    joiner: Joiner
    wideband: bool
    voice: "asyncio.Future[Announcer]"
    """Raises NotStarted or AriError."""
    gone: asyncio.Event
    """Set when its announcer has ended, perhaps together with Asterisk."""


@contextlib.asynccontextmanager
async def open_stage(client: AriClient, name: str, *, wideband: bool) -> AsyncIterator[Stage]:
    """Provide a stage during the block. Speakers may be called at once, while its announcer starts."""
    voice: asyncio.Future[Announcer] = asyncio.get_running_loop().create_future()
    async with loudspeaker_bridge(client, name, wideband=wideband) as bridge:
        stage = Stage(bridge, Joiner(bridge), wideband, voice, asyncio.Event())
        async with kept_going(stage.joiner.run), in_background(_announce(client, stage)):
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
