"""A pool of seats at the fan-out whose seats are made when the test says so."""

import asyncio
from typing import Any, cast

from broadcast_bridge.studio.fan_out_link import FanOutGone
from broadcast_bridge.studio.seats import Seat, SeatPool
from tests.fake_asterisk import FakeAsterisk

OURS, THEIRS = object(), object()


class Link:
    """A fan-out that works."""

    works = True

    def __init__(self) -> None:
        self.refusals: set[str] = set()
        self.codecs: dict[str, str] = {}

    def forget(self, _: str) -> None:
        """Take the end of a seat."""

    def tell(self, *_: object) -> None:
        """Take a command."""


class Pool(SeatPool):
    """Seats are made when the test says so."""

    def __init__(self) -> None:
        super().__init__(FakeAsterisk().client, cast("Any", Link()))
        self.turns = asyncio.Semaphore(0)
        self.fails = False

    async def _place(self, seat: Seat) -> None:
        await self.turns.acquire()
        if self.fails:
            raise FanOutGone

    async def _close(self, seat: Seat) -> None:
        seat.broken = True


async def in_line(pool: Pool, owner: object, seconds: float | None = None) -> "asyncio.Task[Seat | None]":
    """Have a speaker wait for a seat."""
    task = asyncio.create_task(pool.next("alaw", owner, seconds))
    await asyncio.sleep(0)
    return task
