"""Pulse of a supervised process: a time in shared memory that the process writes and its supervisor reads.

Shared memory, unlike a pipe, never blocks a process whose supervisor does not read.
"""

import asyncio
import math
import mmap
import struct
import threading
import time

BEAT_SECONDS = 1.0
_TIME = struct.Struct("d")


class Pulse:
    """The time of the last beat, shared with the processes that are forked after it is made.

    `hung` tells a new process that its predecessor stopped beating and was killed.
    """

    def __init__(self, *, hung: bool = False) -> None:
        self.hung = hung
        self._memory = mmap.mmap(-1, _TIME.size)

    def beat(self) -> None:
        """Store that the process works."""
        _TIME.pack_into(self._memory, 0, time.monotonic())

    def last(self) -> float | None:
        """Return the time of the last beat by the monotonic clock; None before the first."""
        found: float = _TIME.unpack_from(self._memory)[0]
        return found or None


async def beat_from_loop(pulse: Pulse, threads_seconds: float = math.inf) -> None:
    """Beat until cancelled, while the event loop runs and its threads have accepted work within `threads_seconds`."""
    answered, question = time.monotonic(), asyncio.ensure_future(asyncio.to_thread(time.monotonic))
    while True:
        if question.done():
            answered, question = question.result(), asyncio.ensure_future(asyncio.to_thread(time.monotonic))
        if time.monotonic() - answered < threads_seconds:
            pulse.beat()
        await asyncio.sleep(BEAT_SECONDS)


def beat_from_thread(pulse: Pulse) -> None:
    """Beat from a thread of its own until the process ends."""

    def beat() -> None:
        while True:
            pulse.beat()
            time.sleep(BEAT_SECONDS)

    threading.Thread(target=beat, daemon=True, name="pulse").start()
