"""Seats at the fan-out: calls of Asterisk to it, each in a bridge of its own with room for one speaker.

A seat is made ahead, so that a speaker that answers needs one request to sit there: it puts both into the bridge. It
serves one speaker in one call, and is given up when nobody has taken it for a while.
"""

import asyncio
import contextlib
import secrets
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakSet

import structlog

from broadcast_bridge.fan_out.streams import LOOPBACK
from broadcast_bridge.studio.fan_out_link import FanOutGone, FanOutLink
from dialplans.accounts import fan_out_endpoint
from haichieu.ari import operations
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, HungUp, NotAnswered
from haichieu.background import Tasks

log = structlog.get_logger()

CHANNEL = "fan-out-"
"""Prefix of the ids of its channels and bridges."""
ANSWER_SECONDS = 3.0
MADE_AT_ONCE = 6
EMPTY_SECONDS = 5.0


@dataclass(eq=False)
class Seat:
    """One seat: its key at the fan-out, its codec, and what has happened since a speaker took it."""

    key: str
    codec: str
    call: Call
    news: Callable[[str], None] = field(default=lambda _: None)
    broken: bool = False

    @property
    def bridge(self) -> str:
        """The id of its bridge."""
        return self.call.id


@dataclass(eq=False)
class _Waiter:
    """A speaker that waits for a seat, on behalf of an owner."""

    owner: object
    seat: "asyncio.Future[Seat | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def give(self, seat: Seat | None) -> bool:
        """Let it wait no longer; return False if it does not wait any more."""
        if self.seat.done():
            return False
        self.seat.set_result(seat)
        return True

    def taken(self) -> Seat | None:
        """Return the seat that was given to one that waits no longer."""
        return self.seat.result() if self.seat.done() and not self.seat.cancelled() else None


class SeatPool:
    """The seats of one switchboard. Use it as an asynchronous context manager."""

    def __init__(self, client: AriClient, link: FanOutLink) -> None:
        self.link = link
        self.client = client
        self._tasks = Tasks()
        self._making = asyncio.Semaphore(MADE_AT_ONCE)
        self._ready: defaultdict[str, deque[Seat]] = defaultdict(deque)
        self._on_the_way: defaultdict[str, int] = defaultdict(int)
        self._news = asyncio.Event()
        self._waiters: defaultdict[str, deque[_Waiter]] = defaultdict(deque)
        self._fewer_wait = asyncio.Event()
        self.direct: set[str] = set()
        """The ids of the calls whose speakers get direct sound."""
        self.placed: WeakSet[Call] = WeakSet()
        """The calls of speakers that have got sound, of which Asterisk has counted packets."""

    async def __aenter__(self) -> "SeatPool":
        return self

    async def __aexit__(self, *_: object) -> None:
        seats = [seat for ready in self._ready.values() for seat in ready]
        await asyncio.gather(*(self._close(seat) for seat in seats))
        await self._tasks.__aexit__()

    def prepare(self, codec: str, count: int) -> None:
        """Make seats until there are `count` that are free or on the way."""
        missing = count - len(self._ready[codec]) - self._on_the_way[codec]
        # The speakers themselves need the other lines.
        missing = min(missing, self.client.lines.free // 2 - sum(self._on_the_way.values()))
        for _ in range(missing if self.link.works else 0):
            self._on_the_way[codec] += 1
            self._tasks.begin(self._make(codec))

    def take(self, codec: str) -> Seat | None:
        """Return a seat that is ready, or None."""
        ready = self._ready[codec]
        while ready:
            if not (seat := ready.popleft()).broken:
                return seat
        return None

    async def next(self, codec: str, owner: object, seconds: float | None) -> Seat | None:
        """Wait for a seat, in the order of those who wait; None after `seconds`, if none is made, or after `wake`."""
        if (seat := self.take(codec)) is not None:
            return seat
        waiter, line = _Waiter(owner), self._waiters[codec]
        line.append(waiter)
        self.prepare(codec, len(line))
        try:
            if self._on_the_way[codec]:
                async with asyncio.timeout(seconds):
                    return await waiter.seat
        except (TimeoutError, asyncio.CancelledError) as end:
            if (late := waiter.taken()) is not None:
                self._offer(late)
            if isinstance(end, asyncio.CancelledError):
                raise
        finally:
            with contextlib.suppress(ValueError):  # it has got one
                line.remove(waiter)
            self._fewer_wait.set()
        return None

    async def until_few_wait(self, most: int) -> None:
        """Wait until fewer speakers than that wait for a seat."""
        while sum(map(len, self._waiters.values())) >= most:
            self._fewer_wait.clear()
            await self._fewer_wait.wait()

    def wake(self, owner: object) -> None:
        """Let those who wait for an owner wait no longer."""
        for line in self._waiters.values():
            for waiter in [one for one in line if one.owner is owner]:
                line.remove(waiter)
                waiter.give(None)

    async def made(self, codec: str, seconds: float) -> None:
        """Wait until no seat is on the way any more, but not longer than `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._on_the_way[codec]:
                    self._news.clear()
                    await self._news.wait()

    def give_back(self, seat: Seat) -> None:
        """Give up a seat whose speaker leaves: while it has not left, nobody else may sit there."""
        seat.news = lambda _: None
        with contextlib.suppress(FanOutGone):
            self.link.tell({"do": "stop", "key": seat.key})
        self._tasks.begin(self._close(seat))

    def _offer(self, seat: Seat) -> None:
        """Give a seat to the first in line, or keep it for a while."""
        line = self._waiters[seat.codec]
        while line:
            if line.popleft().give(seat):
                return
        self._ready[seat.codec].append(seat)
        self._tasks.begin(self._close_when_empty(seat))

    async def _close_when_empty(self, seat: Seat) -> None:
        await asyncio.sleep(EMPTY_SECONDS)
        if seat in self._ready[seat.codec]:
            self._ready[seat.codec].remove(seat)
            await self._close(seat)

    async def _make(self, codec: str) -> None:
        key = secrets.token_hex(16)
        seat = Seat(key, codec, Call(self.client, f"{CHANNEL}{secrets.token_hex(8)}", None, ""))
        try:
            async with self._making:
                await self.client.until_prompt()
                await self._place(seat)
        except (FanOutGone, AriError, NotAnswered, HungUp, TimeoutError) as problem:
            log.warning("fan_out.no_seat", codec=codec, problem=repr(problem))
            seat.broken = True
        finally:
            self._on_the_way[codec] -= 1
            if not seat.broken:
                self._offer(seat)
            if not self._on_the_way[codec]:
                self._send_away(codec)
            self._news.set()
        if seat.broken:
            await self._close(seat)

    def _send_away(self, codec: str) -> None:
        """Give nothing to those who wait: no seat is on the way."""
        line = self._waiters[codec]
        while line:
            line.popleft().give(None)

    async def _place(self, seat: Seat) -> None:
        self.link.listen(seat.key, lambda what: _tell(seat, what))
        self.link.tell({"do": "expect", "key": seat.key, "codec": seat.codec})
        address = f"PJSIP/{fan_out_endpoint(seat.codec)}/sip:{seat.key}@{LOOPBACK}:{self.link.sip_port}"
        async with asyncio.timeout(ANSWER_SECONDS):
            await seat.call.place(address, role="fan-out", timeout=ANSWER_SECONDS)
            await seat.call.answered()
            await self.client.request(operations.CREATE_BRIDGE, bridgeId=seat.bridge, type="mixing", name=seat.bridge)

    async def _close(self, seat: Seat) -> None:
        self.link.forget(seat.key)
        await seat.call.end()
        with contextlib.suppress(AriError):
            await self.client.request(operations.DESTROY_BRIDGE, bridgeId=seat.bridge)


def _tell(seat: Seat, what: str) -> None:
    if what in ("ended", "gone"):
        seat.broken = True
    seat.news(what)
