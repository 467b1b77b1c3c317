"""Background tasks whose scope ends them."""

import asyncio
import contextlib
import contextvars
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")

AGAIN_SECONDS = 2.0


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
    async with in_background(*(_restarted(one) for one in work)):
        yield


async def in_thread(work: Callable[[], T]) -> T:
    """Do blocking work in a thread; a cancelled caller waits for its end, see `result_of`."""
    return await result_of(asyncio.get_running_loop().run_in_executor(None, contextvars.copy_context().run, work))


async def result_of(thread: "asyncio.Future[T]", stop: Callable[[], None] = lambda: None) -> T:
    """Return the result of work in a thread.

    A thread cannot be cancelled: a cancelled caller calls `stop`, which may ask it to end early, and waits for its end.
    """
    try:
        await asyncio.wait([thread])
    except asyncio.CancelledError:
        stop()
        await asyncio.wait([thread])
        if not thread.cancelled() and (problem := thread.exception()) is not None:
            log.info("thread.failed_after_cancellation", problem=type(problem).__name__)
        raise
    return thread.result()


async def until_terminated(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run until SIGTERM or Ctrl-C, which cancel the work."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work())
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _restarted(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            return await work()
        except Exception:
            log.exception("background.failed", work=repr(work), again_in=AGAIN_SECONDS)
        await asyncio.sleep(AGAIN_SECONDS)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("background.failed", work=repr(work))
