"""Supervising the station's processes: started, watched, restarted with back-off, stopped in order.

A child says that it is ready with one line `ready` on its standard output; everything else it prints is
passed on. A child whose supervisor dies is ended by the kernel (prctl PR_SET_PDEATHSIG), so no half of a
station stays behind.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Sequence

import structlog

log = structlog.get_logger()

AGAIN_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
STABLE_SECONDS = 60.0
"""After this long without a crash the back-off starts over."""

READY = "ready"
MEDIA_NICENESS = -10
_PR_SET_PDEATHSIG = 1
_PR_GET_PDEATHSIG = 2
_libc = ctypes.CDLL(None, use_errno=True)


class Child:
    """One supervised process."""

    def __init__(self, name: str, argv: Sequence[str], *, stop_seconds: float = 10.0) -> None:
        self.name = name
        self.ready = asyncio.Event()
        self.failed_at_once = 0
        """How often in a row it ended before it was ready."""
        self.last_words: list[str] = []
        self._argv = argv
        self._stop_seconds = stop_seconds
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(self) -> None:
        """Keep the process running until cancelled, then end it: SIGTERM, and SIGKILL when it does not listen."""
        clock = asyncio.get_running_loop().time
        crashes = 0
        try:
            while True:
                began = clock()
                status = await self._run_once()
                self.failed_at_once = 0 if self.ready.is_set() else self.failed_at_once + 1
                self.ready.clear()
                crashes = 0 if clock() - began > STABLE_SECONDS else crashes
                wait = AGAIN_SECONDS[min(crashes, len(AGAIN_SECONDS) - 1)]
                crashes += 1
                log.warning("process.ended", process=self.name, status=status, again_in=wait)
                await asyncio.sleep(wait)
        finally:
            await self._stop()

    async def _run_once(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            preexec_fn=end_with_parent,
        )
        assert self._process.stdout is not None  # noqa: S101
        async for raw in self._process.stdout:
            line = raw.decode(errors="replace").rstrip()
            if line == READY:
                self.ready.set()
                continue
            self.last_words = [*self.last_words[-19:], line]
            print(f"{self.name}: {line}", file=sys.stderr, flush=True)
        return await self._process.wait()

    async def _stop(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), self._stop_seconds)
            except TimeoutError:
                log.warning("process.killed", process=self.name)
                process.kill()
                await process.wait()


def end_with_parent() -> None:
    """In the child, before exec: be sent SIGTERM when the supervisor dies; leave Ctrl-C to the supervisor."""
    os.setpgid(0, 0)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def be_killed_with_parent() -> None:
    """Where the supervisor's death would bring SIGTERM, have SIGKILL instead: for a program that may not hear it."""
    asked = ctypes.c_int(0)
    _libc.prctl(_PR_GET_PDEATHSIG, ctypes.byref(asked))
    if asked.value:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def run_ahead_of_other_work() -> None:
    """Ask for the processor before programs that can wait: sound that comes late is lost, a page is only late.

    Does nothing for a user who may not ask (it takes root or CAP_SYS_NICE). Call it before threads are started.
    """
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, MEDIA_NICENESS)
