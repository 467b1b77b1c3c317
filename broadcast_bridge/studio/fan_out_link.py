"""The switchboard's connection to the fan-out, which sends sound to speakers outside Asterisk.

A fan-out that ends, or shows for a moment that it does not work, loses its speakers: Asterisk serves them again.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from broadcast_bridge.fan_out.control import socket_path

log = structlog.get_logger()

SILENT_SECONDS, LOOKS = 0.7, 7
"""It shows a sign of life every fifth of a second; without any for this long it hangs.

The time is taken in so many steps: one in which this process itself was late counts as one, not as the whole.
"""
AGAIN_SECONDS = 0.1
OPENS_SECONDS = 2.0
LONGEST_LINE = 1 << 24


class FanOutGone(Exception):
    """The fan-out does not run, or does not answer."""


@dataclass(frozen=True)
class Sent:
    """What the fan-out knows of one speaker: packets sent directly, those that Asterisk passed on, signs of life, and
    what the speaker reports."""

    direct: int = 0
    relayed: int = 0
    signs: int = 0
    lost: int | None = None
    jitter_ms: float | None = None


News = Callable[[str], None]
"""Takes `direct`, `refused`, `late`, `ended`, or `gone` when the fan-out itself is gone."""


class FanOutLink:
    """The connection, made again whenever it is lost."""

    def __init__(self, home: Path, sip_port: int) -> None:
        self.sip_port = sip_port
        self.refusals: set[str] = set()
        """Speakers that did not agree to direct sound; each is tried again after its next registration."""
        self.codecs: dict[str, str] = {}
        """The codec that each speaker has chosen."""
        self._path = socket_path(home)
        self._writer: asyncio.StreamWriter | None = None
        self._listeners: dict[str, News] = {}
        self._opening: dict[str, asyncio.Future[int]] = {}
        self._report: asyncio.Future[Mapping[str, Sent]] | None = None

    @property
    def works(self) -> bool:
        """Whether there is a connection."""
        return self._writer is not None

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            with contextlib.suppress(OSError, ValueError, TimeoutError):
                await self._connection()
            await asyncio.sleep(AGAIN_SECONDS)

    async def open(self, stream: str, codec: str) -> int:
        """Open a stream and return the port on loopback that takes its sound. Raises FanOutGone."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._opening[stream] = future
        try:
            self.tell({"do": "open", "stream": stream, "codec": codec})
            async with asyncio.timeout(OPENS_SECONDS):
                return await asyncio.shield(future)
        except TimeoutError:
            raise FanOutGone from None
        finally:
            self._opening.pop(stream, None)

    async def report(self) -> Mapping[str, Sent]:
        """Return the figures of all listeners; those who ask at the same time share one report. Raises FanOutGone."""
        if self._report is None:
            self.tell({"do": "report"})
            self._report = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(OPENS_SECONDS):
                return await asyncio.shield(self._report)
        except TimeoutError:
            raise FanOutGone from None

    def speaker_returned(self, code: str) -> None:
        """Forget what is known of a speaker that was registered again: it may be another device now."""
        self.refusals.discard(code)
        self.codecs.pop(code, None)

    def listen(self, key: str, news: News) -> None:
        """Call `news` with what happens to a listener, until `forget`."""
        self._listeners[key] = news

    def forget(self, key: str) -> None:
        """Drop a listener."""
        if self._listeners.pop(key, None) is not None:
            with contextlib.suppress(FanOutGone):
                self.tell({"do": "drop", "key": key})

    def tell(self, *commands: Mapping[str, str]) -> None:
        """Send commands. Raises FanOutGone."""
        if self._writer is None or self._writer.is_closing():
            raise FanOutGone
        self._writer.write(json.dumps(commands).encode() + b"\n")

    async def _connection(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=LONGEST_LINE)
        try:
            await _line(reader)  # a process that hangs takes connections too
            self._writer = writer
            log.info("fan_out.connected")
            while line := await _line(reader):
                self._take(json.loads(line))
        finally:
            if self._writer is not None:
                self._writer = None
                log.warning("fan_out.gone", speakers=len(self._listeners))
            writer.transport.abort()
            self._lose_all()

    def _take(self, news: Mapping[str, Any]) -> None:
        match news:
            case {"is": "alive"}:
                return
            case {"is": "report", "figures": figures}:
                report, self._report = self._report, None
                if report is not None and not report.done():
                    report.set_result({key: Sent(*values) for key, values in figures.items()})
            case {"is": "opened", "key": str(stream), "port": int(port)}:
                if (future := self._opening.get(stream)) is not None and not future.done():
                    future.set_result(port)
            case {"is": str(what), "key": str(key)}:
                if (listener := self._listeners.get(key)) is not None:
                    listener(what)

    def _lose_all(self) -> None:
        lost: list[asyncio.Future[Any]] = [*self._opening.values(), *([self._report] if self._report else [])]
        self._report = None
        for future in lost:
            if not future.done():
                future.set_exception(FanOutGone())
                future.exception()  # it may have no reader
        for news in list(self._listeners.values()):
            news("gone")


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Return the next line, empty at the end. Raises TimeoutError if none comes although this process is not late."""
    reading = asyncio.create_task(reader.readline())
    try:
        for _ in range(LOOKS):
            if (await asyncio.wait((reading,), timeout=SILENT_SECONDS / LOOKS))[0]:
                return reading.result()
        raise TimeoutError
    finally:
        reading.cancel()
