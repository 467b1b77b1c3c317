"""Background tasks whose scope ends them, and none of which an error elsewhere ends."""

import asyncio
import contextlib
import contextvars
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Self, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")

AGAIN_SECONDS = 2.0
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses between the attempts of `retried`; the last one from then on."""


class Closed(Exception):
    """What the work uses has been closed: nothing is left to do."""


class Tasks:
    """Tasks of one owner: an error of one affects neither the others nor the loop that began them.

    At the end of the block those that still run are cancelled and awaited.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._ended = asyncio.Event()

    def begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run a coroutine in a task of its own; its error is logged."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._forget)
        return task

    async def room(self, most: int) -> int:
        """Wait until fewer than `most` run; return how many more may begin."""
        while len(self._running) >= most:
            self._ended.clear()
            await self._ended.wait()
        return most - len(self._running)

    async def all_ended(self) -> None:
        """Wait until none runs."""
        await self.room(1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        self._ended.set()
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("background.failed", work=repr(task.get_coro()), exc_info=problem)


@contextlib.asynccontextmanager
async def in_background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run coroutines during the block; at its end cancel those that still run and wait for them.

    A failure is logged and does not affect the block or the other coroutines.
    """
    tasks = [asyncio.create_task(_logged(coroutine)) for coroutine in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for coroutine in work:
            coroutine.close()  # one whose task was cancelled before it ran at all


@contextlib.asynccontextmanager
async def kept_going(*work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """As `in_background`, for work without an end: it is restarted `AGAIN_SECONDS` after a failure.

    After a database outage a process must resume all of its work.
    """
    async with in_background(*(for_ever(one) for one in work)):
        yield


async def for_ever(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do work without an end until cancelled or Closed; after any error it is restarted `AGAIN_SECONDS` later."""
    while True:
        try:
            return await work()
        except Closed:
            return
        except Exception:
            log.exception("background.failed", work=repr(work), again_in=AGAIN_SECONDS)
        await asyncio.sleep(AGAIN_SECONDS)


async def retried(work: Callable[[], Awaitable[T]], *problems: type[Exception]) -> T:
    """Do work until it succeeds, with growing pauses after each of these `problems`; any other error is raised."""
    failures = 0
    while True:
        try:
            return await work()
        except problems as problem:
            pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
            log.warning("background.retried", work=repr(work), problem=type(problem).__name__, again_in=pause)
        failures += 1
        await asyncio.sleep(pause)


async def in_thread(work: Callable[[], T]) -> T:
    """Do blocking work in a thread; a cancelled caller waits for its end, see `result_of`."""
    return await result_of(asyncio.get_running_loop().run_in_executor(None, contextvars.copy_context().run, work))


async def result_of(work: "asyncio.Future[T]", stop: Callable[[], None] = lambda: None) -> T:
    """Return the result of work that cannot be broken off, as in a thread.

    A cancelled caller calls `stop`, which may ask it to end early, and waits for its end.
    """
    try:
        await asyncio.wait([work])
    except asyncio.CancelledError:
        stop()
        await asyncio.wait([work])
        if not work.cancelled() and (problem := work.exception()) is not None:
            log.info("work.failed_after_cancellation", problem=type(problem).__name__)
        raise
    return work.result()


async def until_terminated(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run until SIGTERM or Ctrl-C, which cancel the work."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work())
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("background.failed", work=repr(work))
