"""Turns for calls to speakers: how many are made at the same time, and when it is too early for the next one."""

import asyncio
from types import TracebackType

from broadcast_bridge.studio.seats import SeatPool
from haichieu.ari.client import AriClient

CALLS_AT_ONCE = 8
"""Speakers called at the same time. Without a limit, answered calls would queue behind the new ones."""
MOST_WAITING = 24
"""Answered speakers that wait for a seat. Asterisk keeps them all in one bridge, and the more there are, the longer it
takes to move one of them to its seat: with 1,500 it took ten seconds."""


class CallTurns:
    """Gives a turn to each call to a speaker. Use it as an asynchronous context manager around the call."""

    def __init__(self, client: AriClient, seats: SeatPool | None) -> None:
        """`seats` are those at the fan-out, if there is one."""
        self._client = client
        self._seats = seats
        self._free = asyncio.Semaphore(CALLS_AT_ONCE)

    async def __aenter__(self) -> None:
        await self._free.acquire()
        try:
            await self._client.until_prompt()
            if self._seats is not None:
                await self._seats.until_few_wait(MOST_WAITING)
        except BaseException:
            self._free.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._free.release()
