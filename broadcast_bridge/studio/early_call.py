"""Calls to speakers that wait, answered and silent, for a broadcast that has not begun."""

import asyncio
import contextlib
import datetime
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

import structlog

from broadcast_bridge.studio.joiner import Figures, Place
from broadcast_bridge.studio.speaker_target import LegTarget
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, CallEnded, NotAnswered
from haichieu.database import now
from haichieu.errors import shown

log = structlog.get_logger()

Turn = AbstractAsyncContextManager[object]
"""Entered by one call after the other, as `call_turns.CallTurns` and a semaphore can be."""

NOTICED_SECONDS = 0.5


def speaker_call(client: AriClient, target: LegTarget) -> Call:
    """Return a new call to a speaker, which has still to be placed."""
    return Call(client, f"speaker-{target.code}-{uuid.uuid4().hex[:12]}", None, target.code)


async def ring(call: Call, target: LegTarget, turn: Turn, seconds: float) -> None:
    """Call a speaker and wait until it answers. Raises NotAnswered, also after `seconds`, HungUp or AriError."""
    try:
        async with turn, asyncio.timeout(seconds):
            await call.place(target.endpoint, role="speaker", timeout=seconds, variables=target.variables)
        async with asyncio.timeout(seconds):
            await call.answered()
    except TimeoutError:
        raise NotAnswered(NotAnswered.NO_ANSWER, "no answer") from None


class EarlyCall:
    """One speaker that is called, placed on a silent stage, and kept there until it is taken or ended.

    The broadcast that takes it enters it as a context, which ends the call.
    """

    def __init__(
        self,
        client: AriClient,
        target: LegTarget,
        place: Place,
        turn: Turn,
        seconds: float,
        ended: "Callable[[EarlyCall], None]",
    ) -> None:
        """`ended` is called when the line is free again."""
        self.target = target
        self.call = speaker_call(client, target)
        self.answered_at: datetime.datetime | None = None
        self.seconds = 0.0
        """How long the speaker took to answer."""
        self.place = place
        """Puts a call on the stage on which this one waits."""
        self.is_taken = False
        self._figures: asyncio.Future[Figures] = asyncio.get_running_loop().create_future()
        """Set when it is there."""
        self._leaves = asyncio.Event()
        self._ended = ended
        self._ending: asyncio.Task[None] | None = None
        self._staying = asyncio.create_task(self._stay(turn, seconds))
        self._watching = asyncio.create_task(self._watch())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.end()

    @property
    def is_news(self) -> bool:
        """Whether the speaker has answered noticeably earlier or later than the last time."""
        return self.answered_at is not None and abs(self.seconds - self.target.answered_in) > NOTICED_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or is just ending."""
        return self._ending is not None

    def take(self) -> None:
        """Stop watching the call: its events are the taker's from now on."""
        self.is_taken = True
        self._watching.cancel()

    @property
    def figures(self) -> Figures:
        """The statistics of an answered call, as long as it stays on its stage."""
        return self._figures.result()

    async def answered(self) -> None:
        """Wait until the speaker has answered and is on the silent stage. Raises as `ring` does."""
        await asyncio.shield(self._figures)

    async def leave_place(self) -> None:
        """Give up the place on the stage of a call that has got another one."""
        self._leaves.set()
        await asyncio.wait([self._staying])

    def release(self) -> None:
        """Hang up, without waiting for it."""
        self._begin_to_end()

    async def end(self) -> None:
        """Hang up; returns when the line is free."""
        await asyncio.shield(self._begin_to_end())

    def _begin_to_end(self) -> "asyncio.Task[None]":
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())
        return self._ending

    async def _stay(self, turn: Turn, seconds: float) -> None:
        """Call the speaker and keep its place; what prevents it is raised by `answered`."""
        begun = asyncio.get_running_loop().time()
        try:
            await ring(self.call, self.target, turn, seconds)
            self.answered_at, self.seconds = now(), asyncio.get_running_loop().time() - begun
            async with self.place(self.target, self.call) as figures:
                self._figures.set_result(figures)
                await self._leaves.wait()
        except Exception as problem:
            if self._figures.done():
                raise
            self._figures.set_exception(problem)

    async def _watch(self) -> None:
        """End the call as soon as the speaker refuses it or leaves."""
        try:
            await self.answered()
            await self.call.until_hung_up()
        except (AriError, CallEnded, NotAnswered) as problem:
            log.info("ahead.speaker_left", speaker=self.target.code, problem=shown(problem))
        except Exception:
            log.exception("ahead.speaker_failed", speaker=self.target.code)
        await self.end()

    async def _end(self) -> None:
        self._staying.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self._staying
        self._figures.cancel()  # of no effect once it is set
        try:
            await self.call.end()
        finally:
            self._watching.cancel()  # nobody brings it the events of a call that is over
            self._ended(self)
