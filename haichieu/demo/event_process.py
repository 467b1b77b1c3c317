"""Child process that prints one JSON event per line and reads JSON commands; demo and tests use it for phones.

Only for short-lived children under a script's control; the station's own processes are in `haichieu.process_control`.

    EventProcessError
    ├── ChildEnded          the process ended while an event was expected
    └── EventMissing        the event did not come in time; names the last events
"""

import asyncio
import contextlib
import json
import sys
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from haichieu.errors import HaiChieuError
from haichieu.process_control import end_with_parent

Event = dict[str, Any]
"""`{"event": NAME, "at": EPOCH_SECONDS, …}`."""


class EventProcessError(HaiChieuError):
    """A child process did not behave as expected."""


class ChildEnded(EventProcessError):
    """The process ended while an event was expected."""


class EventMissing(EventProcessError):
    """An event did not come in time."""


class EventProcess:
    """`python -m MODULE ARGUMENTS`, its events in order; an asynchronous context manager that ends it."""

    def __init__(self, module: str, arguments: Sequence[str], *, secret: str, stop_seconds: float = 6.0) -> None:
        self.events: list[Event] = []
        """All events so far."""
        self.returncode: int | None = None
        self._argv = [sys.executable, "-m", module, *arguments]
        self._secret = secret
        self._stop_seconds = stop_seconds
        self._waiting: list[Event] = []
        self.errors: deque[str] = deque(maxlen=20)
        """The last lines of its standard error."""
        self._news = asyncio.Condition()
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=end_with_parent,
        )
        self._readers = [
            asyncio.create_task(self._read_events(self._process)),
            asyncio.create_task(self._read_errors(self._process)),
        ]
        await self._write(self._secret)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        """The process id. Raises ChildEnded before the start."""
        return self._started().pid

    async def stop(self) -> int:
        """Stop it with SIGTERM, then SIGKILL; return the exit status. Calling it again does nothing."""
        process = self._started()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), self._stop_seconds)
            except TimeoutError:
                process.kill()
        await asyncio.gather(*self._readers)
        self.returncode = await process.wait()
        return self.returncode

    def kill(self) -> None:
        """Kill it at once, as a power cut would."""
        self._started().kill()

    async def send(self, command: Event) -> None:
        """Give it a command. Raises ChildEnded."""
        await self._write(json.dumps(command))

    def forget(self, *names: str, before: Event | None = None) -> None:
        """Drop unread events with these names; with `before`, only those that precede it."""
        until = before["at"] if before else float("inf")
        self._waiting = [event for event in self._waiting if event["event"] not in names or event["at"] > until]

    async def take(self, *names: str, timeout: float, tag: int | None = None) -> Event:
        """Return the first unread event with one of these names (and this tag), waiting for it if necessary.

        Raises EventMissing after `timeout` seconds, ChildEnded when the process is gone.
        """

        def found() -> Event | None:
            matching = (event for event in self._waiting if event["event"] in names and event.get("tag") == tag)
            return next(matching, None)

        try:
            async with asyncio.timeout(timeout), self._news:
                await self._news.wait_for(lambda: found() or self.returncode is not None)
        except TimeoutError:
            raise EventMissing(
                "demo.event_missing",
                events=names,
                seconds=float(timeout),
                last=f"{self.events[-3:]} {' '.join(self.errors)}",
            ) from None
        event = found()
        if event is None:
            raise ChildEnded(
                "demo.child_ended", program=self._argv[2], status=str(self.returncode), errors=" ".join(self.errors)
            )
        self._waiting.remove(event)
        return event

    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise ChildEnded("demo.child_not_started", program=self._argv[2])
        return self._process

    async def _write(self, line: str) -> None:
        stdin = self._started().stdin
        assert stdin is not None  # noqa: S101
        try:
            stdin.write(line.encode() + b"\n")
            await stdin.drain()
        except ConnectionError as problem:
            raise ChildEnded(
                "demo.child_ended", program=self._argv[2], status="?", errors=" ".join(self.errors)
            ) from problem

    async def _read_events(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101
        async for line in process.stdout:
            event = json.loads(line)
            async with self._news:
                self.events.append(event)
                self._waiting.append(event)
                self._news.notify_all()
        self.returncode = await process.wait()
        async with self._news:
            self._news.notify_all()

    async def _read_errors(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101
        async for line in process.stderr:
            self.errors.append(line.decode(errors="replace").rstrip())
