"""A live voice between nodes: the node with the caller calls the others, as it calls a speaker, and each plays it.

Chimes are part of what arrives, so a node that only plays adds none.
"""

import asyncio
import contextlib
from collections import defaultdict
from dataclasses import dataclass

import structlog

from broadcast_bridge.broadcasts.states import BroadcastEvent, Reason
from broadcast_bridge.studio.broadcast_on_air import Airing, Ending
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, HungUp, Lost
from haichieu.ari.events import Event

log = structlog.get_logger()

WAIT_SECONDS = 10.0
"""A part whose voice does not arrive, or does not come back, within this time has failed."""


class RelayCalls:
    """Calls of other nodes that wait for the part of their broadcast to begin here, or have just come back."""

    def __init__(self, client: AriClient) -> None:
        self._client = client
        self._arrived: dict[int, asyncio.Queue[Call]] = defaultdict(asyncio.Queue)

    def take(self, started: Event) -> None:
        """Take a call that has arrived from another node; never blocks."""
        number = "".join(started.body["args"][1:2])
        call = Call.arriving(self._client, started)
        self._arrived[int(number) if number.isdigit() else 0].put_nowait(call)
        log.info("relay.arrived", broadcast=number)

    async def next(self, broadcast_id: int) -> Call:
        """Wait for the next call for a broadcast. Raises TimeoutError."""
        async with asyncio.timeout(WAIT_SECONDS):
            return await self._arrived[broadcast_id].get()

    async def forget(self, broadcast_id: int) -> None:
        """End what has arrived for a broadcast that is over here."""
        waiting = self._arrived.pop(broadcast_id, None)
        while waiting is not None and not waiting.empty():
            await waiting.get_nowait().end()


@dataclass(frozen=True)
class RelayedVoice:
    """The voice that another node passes on, as the content of this node's part; it ends with the broadcast."""

    calls: RelayCalls
    broadcast_id: int

    async def run(self, airing: Airing) -> Ending:
        """Play it until this is cancelled, or the voice stays away."""
        try:
            async with airing.another_voice():
                while True:
                    async with await self.calls.next(self.broadcast_id) as call:
                        await self._pass_on(call, airing)
        except TimeoutError:
            return Ending(BroadcastEvent.FAIL, Reason.NO_SOUND)
        finally:
            await self.calls.forget(self.broadcast_id)

    async def _pass_on(self, call: Call, airing: Airing) -> None:
        try:
            await call.answer()
            await airing.bridge.add([call.id], role="announcer")
            await call.until_hung_up()
        except Lost:
            raise
        except (HungUp, AriError) as problem:
            log.info("relay.left", broadcast=self.broadcast_id, problem=type(problem).__name__)
        finally:
            with contextlib.suppress(AriError):
                await airing.bridge.remove(call.id)
