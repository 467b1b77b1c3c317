"""The line of one node to PostgreSQL, which a test can cut."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

SOCKET = ".s.PGSQL.5432"


class DatabaseLine:
    """Passes on what comes to a socket in `folder`, in a thread of its own, while it is not cut."""

    def __init__(self, server: Path, folder: Path) -> None:
        self._server, self.folder = server / SOCKET, folder
        self._loop = asyncio.new_event_loop()
        self._listening: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """End every connection; no other comes about."""
        self._do(self._cut)

    def mend(self) -> None:
        """Take connections again."""
        self._do(self._listen)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Pass on during the block."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        try:
            self.mend()
            yield
        finally:
            self.cut()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()

    def _do(self, what: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(what(), self._loop).result(10)

    async def _listen(self) -> None:
        self._listening = await asyncio.start_unix_server(self._connected, self.folder / SOCKET)

    async def _cut(self) -> None:
        if self._listening is not None:
            self._listening.close()
            (self.folder / SOCKET).unlink(missing_ok=True)
        for writer in self._open:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            from_server, to_server = await asyncio.open_unix_connection(self._server)
            ends = {writer, to_server}
            self._open |= ends
            try:
                await asyncio.gather(_pass_on(reader, to_server), _pass_on(from_server, writer))
            finally:
                self._open -= ends
                for end in ends:
                    end.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until one end closes or breaks off, and then close the other: a killed client leaves its session."""
    with contextlib.suppress(OSError):
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
