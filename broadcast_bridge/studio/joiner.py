"""Joining of speakers to a bridge, many with one request."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial

from broadcast_bridge.studio.speaker_target import LegTarget
from haichieu.ari.bridge import Bridge
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, HungUp
from haichieu.ari.in_call import rtp_statistics

JOIN_AT_ONCE = 16
JOINERS = 3
"""Asterisk adds the channels of one request one after the other: a few concurrent requests are faster."""

Figures = Callable[[], Awaitable[Mapping[str, float]]]
"""Returns the RTP statistics of a call as Asterisk gives them. Raises NoMedia or another AriError."""
Place = Callable[[LegTarget, Call], AbstractAsyncContextManager[Figures]]
"""Gives an answered speaker its sound during a block. Raises HungUp when it has left."""


class Joiner:
    """Puts speakers on the bridge, all waiting ones with one request: a hundred answer at the same moment."""

    def __init__(self, client: AriClient, bridge: Bridge) -> None:
        self._client = client
        self._bridge = bridge
        self._waiting: asyncio.Queue[tuple[str, asyncio.Future[None]]] = asyncio.Queue()

    async def join(self, channel_id: str) -> None:
        """Put a channel on the bridge and wait until it is there. Raises HungUp when it has left."""
        joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((channel_id, joined))
        await joined

    @contextlib.asynccontextmanager
    async def place(self, _: LegTarget, call: Call) -> AsyncIterator[Figures]:
        """Put a speaker on the bridge during the block; it leaves with its call."""
        await self.join(call.id)
        yield partial(rtp_statistics, self._client, call.id)

    async def run(self) -> None:
        await asyncio.gather(*(self._join_batches() for _ in range(JOINERS)))

    async def _join_batches(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < JOIN_AT_ONCE and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            try:
                await self._bridge.add(channel_id for channel_id, _ in batch)
            except AriError:
                # A channel that has left makes the request fail for all: add them one by one.
                for channel_id, joined in batch:
                    await self._join_alone(channel_id, joined)
            except Exception as problem:
                for _, joined in batch:
                    if not joined.done():
                        joined.set_exception(problem)
            for _, joined in batch:
                if not joined.done():
                    joined.set_result(None)

    async def _join_alone(self, channel_id: str, joined: "asyncio.Future[None]") -> None:
        try:
            await self._bridge.add([channel_id])
        except AriError:
            if not joined.done():
                joined.set_exception(HungUp("ari.hung_up"))
