"""Speakers that are called before their broadcast begins, so that the first sound need not wait for their answers.

They wait on the stage of the broadcast and get silence, so that on the key, or at the start time, only the chime has to
begin. They belong to no broadcast: one that begins takes those it needs, even from another one (`AheadCalls.take`).
"""

import asyncio
import contextlib
import datetime
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Self

import structlog

from broadcast_bridge.studio.call_turns import CallTurns
from broadcast_bridge.studio.early_call import EarlyCall
from broadcast_bridge.studio.seats import SeatPool
from broadcast_bridge.studio.speaker_target import LegTarget
from broadcast_bridge.studio.stage import Stage, open_stage
from haichieu.ari.client import AriClient
from haichieu.background import Tasks, in_background
from haichieu.node_clock import NodeClock

log = structlog.get_logger()

SPARE_SECONDS = 2.0
"""A speaker is called this much earlier than it took to answer last time."""
MOST_SECONDS_EARLIER = 15.0
LONGEST_WAIT_SECONDS = 60.0
"""Speakers that no broadcast has taken for this long are released: the official has put the phone down beside it."""
AFTER_START_SECONDS = 3.0
"""A recorded broadcast that has not begun this long after its time does not begin for now."""

BRIDGE = "ahead-"
"""Prefix of the ids of their bridges."""


@dataclass(frozen=True)
class Targets:
    """The speakers to call."""

    speakers: Sequence[LegTarget]
    wideband: bool = False


Find = Callable[[], Awaitable[Targets]]
TellTook = Callable[[Mapping[str, float]], None]
"""Receives the seconds that speakers took to answer, by code."""


class DialAhead:
    """The speakers called for one broadcast that has not begun, on their stage."""

    def __init__(self, calls: "AheadCalls", find: Find, at: datetime.datetime | None) -> None:
        self.at = at
        """The start time by the clock that nodes share; None if it may come at any moment."""
        self.is_adopted = False
        self.stage: asyncio.Future[Stage | None] = asyncio.get_running_loop().create_future()
        """None if there is nobody to call, or it is called off."""
        self._calls = calls
        self._find = find
        self._early: list[EarlyCall] = []
        self._is_open = at is None
        self._off = asyncio.Event()
        self._over = asyncio.Event()

    def call_off(self) -> None:
        """Release the speakers, unless the broadcast has begun; does not wait for it."""
        if not self.is_adopted:
            self._close()

    @contextlib.asynccontextmanager
    async def adopted(self, *, wideband: bool) -> AsyncIterator[Stage | None]:
        """Provide the stage for the broadcast that begins; None if there is none, or none of this kind."""
        self.is_adopted = True
        try:
            if not self._is_open:
                self._close()  # it begins before its time
            stage = await self.stage
            is_fit = stage is not None and stage.wideband == wideband and not stage.gone.is_set()
            yield stage if is_fit and not self._off.is_set() else None
        finally:
            self._close()
            await self._over.wait()

    @property
    def is_over(self) -> bool:
        """Whether every speaker has been released."""
        return self._over.is_set()

    async def keep_only(self, codes: Collection[str]) -> None:
        """Release every other speaker: they must not hear the broadcast."""
        await asyncio.gather(
            *(early.end() for early in self._early if not early.is_taken and early.target.code not in codes)
        )

    async def run(self) -> None:
        """Call the speakers and keep the calls until called off, or until the adopting broadcast is over."""
        try:
            await self._run()
        except Exception as problem:
            log.warning("ahead.failed", problem=repr(problem))
        finally:
            if not self.stage.done():
                self.stage.set_result(None)
            self._over.set()

    async def _run(self) -> None:
        if not (targets := await self._find()).speakers or not await self._sleep(self._wait(targets.speakers)):
            return
        self._is_open = True
        async with self._calls.stage(wideband=targets.wideband) as stage:
            stage.prepare(targets.speakers)
            try:
                calls = (self._call(target, stage) for target in targets.speakers)
                async with in_background(self._call_off_without(stage), *calls):
                    if self._off.is_set():
                        return
                    self.stage.set_result(stage)
                    await self._until_off()
            finally:
                self._close()  # a broadcast that begins now must not take a stage that is being cleared
                await asyncio.gather(*(early.end() for early in self._early if not early.is_taken))
                self._calls.took({early.target.code: early.seconds for early in self._early if early.is_news})

    async def _call_off_without(self, stage: Stage) -> None:
        await stage.gone.wait()
        self.call_off()

    async def _until_off(self) -> None:
        limit = LONGEST_WAIT_SECONDS if self.at is None else self._until(self.at) + AFTER_START_SECONDS
        if await self._sleep(limit):
            if not self.is_adopted:
                return
            await self._off.wait()

    async def _call(self, target: LegTarget, stage: Stage) -> None:
        """Call one speaker in time, if no broadcast and nobody else has its line then."""
        if await self._sleep(self._wait([target])) and (early := self._calls.call(target, stage)) is not None:
            self._early.append(early)

    def _wait(self, speakers: Sequence[LegTarget]) -> float:
        """Return the seconds until the first of the speakers has to be called."""
        if self.at is None:
            return 0.0
        earlier = min(max(target.answered_in for target in speakers) + SPARE_SECONDS, MOST_SECONDS_EARLIER)
        return self._until(self.at) - earlier

    def _until(self, at: datetime.datetime) -> float:
        return (at - self._calls.clock.now()).total_seconds()

    async def _sleep(self, seconds: float) -> bool:
        """Sleep, unless called off meanwhile, which returns False."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._off.wait()
        return not self._off.is_set()

    def _close(self) -> None:
        self._off.set()
        for early in self._early:
            if not early.is_taken:
                early.release()
        if not self.stage.done():
            self.stage.set_result(None)


class AheadCalls:
    """All speakers of a studio that are called ahead, each for one broadcast at a time."""

    def __init__(
        self, client: AriClient, answer_seconds: float, took: TellTook, seats: SeatPool | None, clock: NodeClock
    ) -> None:
        """`seats` are those at the fan-out, if there is one; start times are by the `clock`."""
        self.clock = clock
        self._client = client
        self._seats = seats
        self.took = took
        self._answer_seconds = answer_seconds
        self._early: dict[str, EarlyCall] = {}
        self._on_air: Counter[str] = Counter()
        self._by_key: dict[str, DialAhead] = {}
        self._turn = CallTurns(client, seats)
        self._tasks = Tasks()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Release all speakers."""
        await self._tasks.__aexit__()

    def begin(self, find: Find, at: datetime.datetime | None = None) -> DialAhead:
        """Call the speakers that `find` returns, ready for a broadcast at `at`, or at any moment."""
        ahead = DialAhead(self, find, at)
        self._tasks.begin(ahead.run())
        return ahead

    def expect(self, key: str, find: Find, at: datetime.datetime) -> None:
        """Do the same for a broadcast that is known by a key until it begins; once for each."""
        if key not in self._by_key:
            self._by_key[key] = self.begin(find, at)

    def expect_only(self, keys: Collection[str]) -> None:
        """Call off the broadcasts that are not expected any more, and whose time has not come."""
        for key, ahead in list(self._by_key.items()):
            is_to_come = ahead.at is not None and ahead.at > self.clock.now()
            if key not in keys and is_to_come:
                ahead.call_off()
            if key not in keys and (is_to_come or ahead.is_over):
                del self._by_key[key]

    def adopt(self, keys: Sequence[str]) -> DialAhead | None:
        """Return what was called for the broadcast with one of these keys, which begins now."""
        found = [ahead for key in keys if (ahead := self._by_key.pop(key, None)) is not None]
        return found[0] if found else None

    @contextlib.contextmanager
    def on_air(self, codes: Collection[str]) -> Iterator[None]:
        """Have these speakers not called ahead for others during the block."""
        self._on_air.update(codes)
        try:
            yield
        finally:
            self._on_air.subtract(codes)

    def stage(self, *, wideband: bool) -> AbstractAsyncContextManager[Stage]:
        """Open a stage for speakers that wait."""
        return open_stage(self._client, f"{BRIDGE}{uuid.uuid4().hex}", self._seats, wideband=wideband)

    def call(self, target: LegTarget, stage: Stage) -> EarlyCall | None:
        """Call a speaker that is in no broadcast and not called for another one; else return None."""
        if self._on_air[target.code] or target.code in self._early:
            return None
        seconds = max(target.answer_seconds or self._answer_seconds, MOST_SECONDS_EARLIER)
        early = EarlyCall(self._client, target, stage.place, self._turn, seconds, self._forget)
        self._early[target.code] = early
        return early

    def take(self, target: LegTarget) -> EarlyCall | None:
        """Return the call to a speaker of a broadcast that begins, even if it was made for another one."""
        return self._early.get(target.code)

    def drop(self, code: str) -> None:
        """Release a speaker that has moved, or does not answer OPTIONS; its broadcast calls it again."""
        if (early := self._early.get(code)) is not None and not early.is_taken:
            early.release()

    def _forget(self, early: EarlyCall) -> None:
        if self._early.get(early.target.code) is early:
            del self._early[early.target.code]
