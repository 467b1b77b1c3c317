"""Open connections, and which of them are dropped when there are too many.

A connection waits for its client while the request, its body or the next request is missing, or while the client does
not read the response. When a limit is reached, the connection that has waited longest is dropped for the new one, so
that clients who keep connections open can only displace each other.
"""

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

MOST = 600
"""In all: below the usual limit of 1,024 open files."""
MOST_OF_AN_ADDRESS = 200
HEAD_SECONDS = 20.0
"""Limit for a request line and headers, and for a connection between two requests."""
UNSENT_SECONDS = 60
"""Limit for a client that takes nothing of what the kernel has for it."""
_LARGEST_HEADER = 16_384

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Connections(web.Server):
    """aiohttp's server with limits. `most_of_an_address` is None behind a reverse proxy, which is the only client."""

    def __init__(self, handler: Handler, most: int = MOST, most_of_an_address: int | None = MOST_OF_AN_ADDRESS) -> None:
        parser_errors = logging.getLogger("haichieu.http")
        parser_errors.setLevel(logging.CRITICAL)  # what strangers send fills no log; the application logs its own
        super().__init__(
            handler,
            logger=parser_errors,
            access_log=None,
            keepalive_timeout=HEAD_SECONDS,
            lingering_time=0,
            auto_decompress=False,
            max_line_size=_LARGEST_HEADER,
            max_field_size=_LARGEST_HEADER,
        )
        self._most, self._most_of_an_address = most, most_of_an_address
        self._addresses: dict[RequestHandler, str] = {}
        self._of_address: Counter[str] = Counter()
        self._waiting: dict[RequestHandler, asyncio.Transport] = {}
        """Those that wait for their client; the first has waited longest."""

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Accept a connection, and drop another if there are too many now."""
        super().connection_made(handler, transport)
        address = str(transport.get_extra_info("peername")[0])
        self._addresses[handler] = address
        self._of_address[address] += 1
        self._waiting[handler] = transport
        with contextlib.suppress(OSError):
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSENT_SECONDS * 1000)
        if self._most_of_an_address is not None and self._of_address[address] > self._most_of_an_address:
            self._drop_longest_waiting(address)
        elif len(self._addresses) > self._most:
            self._drop_longest_waiting(None)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Count a connection no longer."""
        super().connection_lost(handler, exc)
        self._waiting.pop(handler, None)
        if (address := self._addresses.pop(handler, None)) is not None:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    @contextlib.contextmanager
    def being_served(self, request: web.BaseRequest) -> Iterator[None]:
        """Protect the connection of a request while the station works on it."""
        transport = self._waiting.pop(request.protocol, None)
        try:
            yield
        finally:
            if transport is not None and request.protocol in self._addresses:
                self._waiting[request.protocol] = transport

    def _drop_longest_waiting(self, address: str | None) -> None:
        for handler, transport in self._waiting.items():
            if address is None or self._addresses[handler] == address:
                del self._waiting[handler]
                transport.abort()
                return
