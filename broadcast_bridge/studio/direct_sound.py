"""Direct sound: speakers of a broadcast that the fan-out serves, each on a seat instead of on the broadcast's bridge.

The seat's sound goes through Asterisk until the speaker has agreed to get it directly. A speaker that does not agree,
and all of them when the fan-out is gone, go over to the bridge of the broadcast.
"""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack

import structlog

from broadcast_bridge.fan_out.streams import LOOPBACK
from broadcast_bridge.studio.fan_out_link import FanOutGone, Sent
from broadcast_bridge.studio.joiner import Figures, Joiner
from broadcast_bridge.studio.seats import CHANNEL, Seat, SeatPool
from broadcast_bridge.studio.speaker_target import LegTarget
from dialplans.accounts import FAN_OUT_CODECS
from haichieu.ari import operations
from haichieu.ari.bridge import Bridge
from haichieu.ari.call import Call
from haichieu.ari.errors import AriError, AriRefused, HungUp, NotAnswered
from haichieu.ari.in_call import rtp_statistics
from haichieu.background import in_background

log = structlog.get_logger()

FEWEST_SPEAKERS = 3
"""With fewer, the second call of each costs more than it saves."""
SETTLES_SECONDS = 1.0
"""The longest silence before the voice, in which speakers go over to seats that were not ready when they answered."""
WAITS_SECONDS = 30.0
"""The longest time without any sound before the broadcast begins: then silence comes from the bridge."""
MOST_STANDING = 300
"""Speakers on the bridge that may have a seat; more of them wait for one, since the machine could not serve them."""
MOVED_AT_ONCE = 12
SOURCE_SECONDS = 3.0


@contextlib.asynccontextmanager
async def seating(pool: SeatPool | None, bridge: Bridge, joiner: Joiner) -> "AsyncIterator[DirectSound | None]":
    """Yield what gives the speakers of a bridge their sound outside Asterisk; None without a fan-out."""
    if pool is None:
        yield None
        return
    async with DirectSound(pool, bridge, joiner) as direct:
        yield direct


class DirectSound:
    """The fan-out of one broadcast. Use it as an asynchronous context manager while the legs run."""

    def __init__(self, pool: SeatPool, bridge: Bridge, joiner: Joiner) -> None:
        self._client = pool.client
        self._pool = pool
        self._bridge = bridge
        self._joiner = joiner
        self._sources: dict[str, asyncio.Task[str | None]] = {}
        self._stack = AsyncExitStack()
        self._worth_it = self._settled = False
        self._begun = False
        self._joining = 0
        """Speakers on their way to the bridge."""
        self._placed: set[str] = set()
        """The codes of speakers that have got their sound."""
        self._standing: set[_Served] = set()
        """Speakers on the bridge of the broadcast that may have a seat."""

    async def __aenter__(self) -> "DirectSound":
        await self._stack.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._sources.values():
            task.cancel()
        await asyncio.gather(*self._sources.values(), return_exceptions=True)
        await self._stack.aclose()

    def prepare(self, targets: Sequence[LegTarget]) -> None:
        """Make seats for the speakers that will be called, or have been called and are not there yet."""
        suited = [target for target in targets if self._may(target) and target.reachable]
        self._worth_it = len(suited) >= FEWEST_SPEAKERS
        if self._worth_it:
            to_come = (self._likely_codec(target) for target in suited if target.code not in self._placed)
            for codec, count in Counter(to_come).items():
                self._begin_source(codec)
                self._pool.prepare(codec, count)

    def begin(self, targets: Sequence[LegTarget]) -> None:
        """Begin a broadcast to these speakers: from now on they are heard at once, on a seat or without."""
        self.prepare(targets)
        self._begun = True
        self._pool.wake(self)

    @contextlib.asynccontextmanager
    async def place(self, target: LegTarget, call: Call) -> AsyncIterator[Figures]:
        """Give an answered speaker its sound during the block. Raises HungUp when it has left."""
        served = _Served(self._pool, target, call, self._joiner.join)
        suited = self._worth_it and self._may(target)
        async with AsyncExitStack() as stack:
            stack.callback(served.leave)
            stack.callback(self._standing.discard, served)
            await stack.enter_async_context(in_background(served.look_after()))
            if not suited:
                await self._joiner.join(call.id)
            elif not await self._seat(served, in_line=True):
                await self._stand(served)
            self._pool.placed.add(call)
            self._placed.add(target.code)
            stack.callback(self._placed.discard, target.code)
            yield served.figures

    async def _stand(self, served: "_Served") -> None:
        self._joining += 1
        try:
            await self._joiner.join(served.call.id)
        finally:
            self._joining -= 1
        self._standing.add(served)

    async def settle(self) -> None:
        """Move speakers to seats that have become ready, while the broadcast is silent; takes no longer than allowed.

        In the middle of a word something would be lost or heard twice: the two paths have two delays.
        """
        codecs = Counter(self._likely_codec(one.target) for one in self._standing)
        for codec, count in codecs.items():
            self._pool.prepare(codec, count)  # one that moved during the chime has left its seat
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLES_SECONDS):
                await asyncio.gather(*(self._pool.made(codec, SETTLES_SECONDS / 2) for codec in codecs))
                turn = asyncio.Semaphore(MOVED_AT_ONCE)
                await asyncio.gather(*(self._move(one, turn) for one in list(self._standing)))
        self._settled = True

    async def _move(self, served: "_Served", turn: asyncio.Semaphore) -> None:
        async with turn:
            if served in self._standing:
                with contextlib.suppress(HungUp, AriError):  # it is just leaving
                    if await asyncio.shield(self._seat(served)):
                        self._standing.discard(served)

    async def _seat(self, served: "_Served", *, in_line: bool = False) -> bool:
        """Put a speaker on a seat if one is ready; return whether it sits.

        One that gets no sound yet may wait `in_line`: while there is only silence to hear, when it is called in the
        middle, and when the bridge has as many speakers as it can bear.
        """
        if not self._pool.link.works:
            return False
        codec = await self._codec(served.target, served.call)
        if codec not in FAN_OUT_CODECS or (stream := await self._source(codec)) is None:
            return False
        if in_line and not self._begun:  # who sits already hears the first sound from there
            seat = await self._in_line(served, codec, WAITS_SECONDS)
        elif in_line and self._settled:
            seat = await self._in_line(served, codec, SETTLES_SECONDS)
        else:
            seat = self._pool.take(codec)
        if seat is None and in_line and self._begun and len(self._standing) + self._joining >= MOST_STANDING:
            seat = await self._in_line(served, codec, None)
        return seat is not None and await served.sit(seat, stream)

    async def _in_line(self, served: "_Served", codec: str, seconds: float | None) -> Seat | None:
        """Wait for a seat as `SeatPool.next` does. Raises HungUp when the speaker leaves or is given up meanwhile."""
        waiting = asyncio.create_task(self._pool.next(codec, self, seconds))
        leaving = asyncio.create_task(served.call.until_hung_up())
        seat = None
        try:
            await asyncio.wait((waiting, leaving), return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                await leaving
            seat = waiting.result()
        finally:
            for task in (waiting, leaving):
                task.cancel()
            unused, _ = await asyncio.gather(waiting, leaving, return_exceptions=True)
            if seat is None and isinstance(unused, Seat):
                self._pool.give_back(unused)
        return seat

    def _may(self, target: LegTarget) -> bool:
        return bool(target.direct_codecs) and target.code not in self._pool.link.refusals

    def _likely_codec(self, target: LegTarget) -> str:
        return self._pool.link.codecs.get(target.code, target.direct_codecs[0])

    async def _codec(self, target: LegTarget, call: Call) -> str:
        """Return the codec that the speaker has chosen; one that has only one to choose is not looked up."""
        if len(target.direct_codecs) == 1:
            return target.direct_codecs[0]
        codecs = self._pool.link.codecs
        if target.code not in codecs:
            try:
                found = await self._client.request(
                    operations.CHANNEL_VARIABLE, channelId=call.id, variable="CHANNEL(audionativeformat)"
                )
            except AriRefused as problem:
                raise HungUp("ari.hung_up") from problem
            codecs[target.code] = found["value"].strip("()")
        return codecs[target.code]

    async def _source(self, codec: str) -> str | None:
        """Return the name of the stream in a codec, which is opened once; None if that failed."""
        return await asyncio.shield(self._begin_source(codec))

    def _begin_source(self, codec: str) -> "asyncio.Task[str | None]":
        if codec not in self._sources:
            self._sources[codec] = asyncio.create_task(self._opened(codec))
        return self._sources[codec]

    async def _opened(self, codec: str) -> str | None:
        name, link = f"{self._bridge.id}-{codec}", self._pool.link
        try:
            port = await link.open(name, codec)
            self._stack.callback(self._close, name)
            call = await self._stack.enter_async_context(
                Call(self._client, f"{CHANNEL}{secrets.token_hex(8)}", None, "")
            )
            async with asyncio.timeout(SOURCE_SECONDS):
                await call.place(f"UnicastRTP/{LOOPBACK}:{port}/c({codec})", role="fan-out", timeout=SOURCE_SECONDS)
                await call.answered()
            await self._bridge.add([call.id])
        except (FanOutGone, AriError, NotAnswered, HungUp, TimeoutError) as problem:
            log.warning("fan_out.no_source", codec=codec, problem=repr(problem))
            return None
        return name

    def _close(self, name: str) -> None:
        with contextlib.suppress(FanOutGone):
            self._pool.link.tell({"do": "close", "stream": name})


class _Served:
    """One speaker in one call: on the bridge of the broadcast, or on a seat."""

    def __init__(self, pool: SeatPool, target: LegTarget, call: Call, join: Callable[[str], Awaitable[None]]) -> None:
        self.target, self.call = target, call
        self._pool, self._join = pool, join
        self._seat: Seat | None = None
        self._news: asyncio.Queue[str] = asyncio.Queue()
        self._before: Mapping[str, float] = {}
        """What Asterisk had counted before the speaker sat down; it counts nothing meanwhile."""
        self._sent = Sent()

    async def sit(self, seat: Seat, stream: str) -> bool:
        """Take a seat; return False if that fails, perhaps because the speaker has left."""
        client, link = self._pool.client, self._pool.link
        if self.call in self._pool.placed:
            with contextlib.suppress(AriError):
                self._before = await rtp_statistics(client, self.call.id)
        self._seat, seat.news = seat, self._news.put_nowait
        both = f"{seat.call.id},{self.call.id}"
        try:
            link.tell({"do": "start", "key": seat.key, "stream": stream})
            await client.request(operations.ADD_TO_BRIDGE, bridgeId=seat.bridge, channel=both)
        except (FanOutGone, AriError):  # one of the two has left, or Asterisk was restarted
            self.leave()
            return False
        self._news.put_nowait("sits")
        return True

    async def look_after(self) -> None:
        """Follow the news of a seat until cancelled; a speaker that gets no direct sound joins the bridge."""
        while True:
            what, seat = await self._news.get(), self._seat
            if seat is None:
                continue
            log.info("fan_out.speaker", speaker=self.target.code, what=what)
            if what == "sits":
                self._watch(seat)
            elif what == "direct":
                self._pool.direct.add(self.call.id)
            else:
                if what in ("refused", "late"):
                    self._pool.link.refusals.add(self.target.code)
                    await self._update(seat)
                with contextlib.suppress(HungUp, AriError):  # it is just leaving
                    await self._join(self.call.id)
                self.leave()

    def _watch(self, seat: Seat) -> None:
        with contextlib.suppress(FanOutGone):  # then there is no seat either
            self._pool.link.tell({"do": "watch", "key": seat.key, "call_id": self.call.protocol_id})

    def leave(self) -> None:
        """Give the seat back."""
        seat, self._seat = self._seat, None
        if seat is not None:
            self._pool.direct.discard(self.call.id)
            self._pool.give_back(seat)

    async def figures(self) -> Mapping[str, float]:
        """Return the statistics of the call, from the fan-out while it has the speaker.

        Raises NoMedia or another AriError.
        """
        if (seat := self._seat) is not None:
            await self._update(seat)
            return seated(self._before, self._sent)
        known = await rtp_statistics(self._pool.client, self.call.id)
        return together(known, self._sent)

    async def _update(self, seat: Seat) -> None:
        with contextlib.suppress(FanOutGone):
            self._sent = (await self._pool.link.report()).get(seat.key, self._sent)


def seated(before: Mapping[str, float], sent: Sent) -> Mapping[str, float]:
    """Return the statistics of a call on a seat: what Asterisk had counted `before`, and what the fan-out counts."""
    figures = {**together(before, sent), "txcount": before.get("txcount", 0) + sent.relayed + sent.direct}
    if sent.jitter_ms is not None:
        figures["rxjitter"] = sent.jitter_ms / 1000
    return figures


def together(asterisk: Mapping[str, float], sent: Sent) -> Mapping[str, float]:
    """Return Asterisk's statistics of a call, which include what it passed on, with those of its direct sound."""
    figures = {**asterisk, "txcount": asterisk.get("txcount", 0) + sent.direct}
    figures["rxcount"] = asterisk.get("rxcount", 0) + sent.signs
    if sent.lost is not None:
        reported = bool(asterisk.get("remote_maxmes"))
        figures["txploss"] = sent.lost + (asterisk.get("txploss", 0) if reported else 0)
        figures["remote_maxmes"] = asterisk.get("remote_maxmes") or 1
        if not reported and sent.jitter_ms is not None:
            figures["rxjitter"] = sent.jitter_ms / 1000
    return figures
