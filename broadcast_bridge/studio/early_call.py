"""Calls to speakers that wait, answered and silent, for a broadcast that has not begun."""

import asyncio
import contextlib
import datetime
import uuid
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import structlog

from broadcast_bridge.studio.speaker_target import LegTarget
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, CallEnded, NotAnswered
from haichieu.database import now
from haichieu.errors import shown

log = structlog.get_logger()

CALLS_AT_ONCE = 8
"""Speakers called at the same time. Without a limit, answered calls would queue behind the new ones."""


NOTICED_SECONDS = 0.5

Join = Callable[[str], Awaitable[None]]


def speaker_call(client: AriClient, target: LegTarget) -> Call:
    """Return a new call to a speaker, which has still to be placed."""
    return Call(client, f"speaker-{target.code}-{uuid.uuid4().hex[:12]}", None, target.code)


async def ring(call: Call, target: LegTarget, turn: asyncio.Semaphore, seconds: float) -> None:
    """Call a speaker and wait until it answers. Raises NotAnswered, also after `seconds`, HungUp or AriError."""
    try:
        async with turn, asyncio.timeout(seconds):
            await call.place(target.endpoint, role="speaker", timeout=seconds, variables=target.variables)
        async with asyncio.timeout(seconds):
            await call.answered()
    except TimeoutError:
        raise NotAnswered(NotAnswered.NO_ANSWER, "no answer") from None


class EarlyCall:
    """One speaker that is called, joined to a silent bridge, and kept there until it is taken or ended.

    The broadcast that takes it enters it as a context, which ends the call.
    """

    def __init__(
        self,
        client: AriClient,
        target: LegTarget,
        join: Join,
        turn: asyncio.Semaphore,
        seconds: float,
        ended: "Callable[[EarlyCall], None]",
    ) -> None:
        """`ended` is called when the line is free again."""
        self.target = target
        self.call = speaker_call(client, target)
        self.answered_at: datetime.datetime | None = None
        self.seconds = 0.0
        """How long the speaker took to answer."""
        self.join = join
        """Joins a call to the bridge on which this one waits."""
        self.is_taken = False
        self._ended = ended
        self._ending: asyncio.Task[None] | None = None
        self._ringing = asyncio.create_task(self._ring(turn, seconds))
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

    async def answered(self) -> None:
        """Wait until the speaker has answered and is on the silent bridge. Raises as `ring` does."""
        await asyncio.shield(self._ringing)

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

    async def _ring(self, turn: asyncio.Semaphore, seconds: float) -> None:
        begun = asyncio.get_running_loop().time()
        await ring(self.call, self.target, turn, seconds)
        self.answered_at, self.seconds = now(), asyncio.get_running_loop().time() - begun
        await self.join(self.call.id)

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
        self._ringing.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):  # the broadcast that waits for the answer gets it
            await self._ringing
        try:
            await self.call.end()
        finally:
            self._ended(self)
