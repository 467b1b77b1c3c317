"""A TCP gateway to be put between a client and its server, that can cut every connection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Gateway:
    """Passes bytes on to `port` of loopback. While `shut`, it takes no connection."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.shut = False
        self._to = port
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Drop every connection, as a network does."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        if self.shut:
            writer.transport.abort()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, inner_writer}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass(reader, inner_writer))
                both.create_task(_pass(inner_reader, writer))
        finally:
            self._writers -= {writer, inner_writer}


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def gateway(port: int) -> AsyncIterator[Gateway]:
    """Run a gateway to a port for the length of the block."""
    passing = Gateway(port)
    server = await asyncio.start_server(passing.take, "127.0.0.1", 0)
    passing.port = server.sockets[0].getsockname()[1]
    try:
        yield passing
    finally:
        passing.cut()
        server.close()
