"""HTTP server of the web process: one event loop that reads and writes, and threads that run Flask.

Slow, silent and half-open clients cost a connection each and no thread: docs/decisions/slow-clients-cost-no-thread.md.
"""

import asyncio
import gc
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from admin.http.bodies import receive
from admin.http.connections import MOST_OF_AN_ADDRESS, Connections
from admin.http.threads import Threads
from admin.http.wsgi import ApplicationCall, environ_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = structlog.get_logger()

THREADS = 64
"""A live page occupies one (`admin.now.pulse` limits them), and an upload one; the others serve requests."""
UPLOADS = 8
"""Uploads at the same time; further ones wait, without a thread."""
SEND_SECONDS = 30.0
"""Limit for a client to take `SLICE` bytes of the response."""
SLICE = 1 << 16
STOP_SECONDS = 5.0
_BACKLOG = 512
_UNREAD = 1 << 18


class HttpServer:
    """Serves a WSGI application. `behind_proxy`: all connections come from a reverse proxy."""

    def __init__(self, application: "WSGIApplication", *, behind_proxy: bool = False) -> None:
        self._application = application
        self._threads = Threads(THREADS)
        self._uploads = asyncio.Semaphore(UPLOADS)
        self._connections = Connections(self._serve, most_of_an_address=None if behind_proxy else MOST_OF_AN_ADDRESS)
        self._live: set[RequestHandler] = set()

    async def run(self, host: str, port: int, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """Serve until `stop`; then finish the requests in progress within `STOP_SECONDS`."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(self._connections, host, port, backlog=_BACKLOG, reuse_address=True)
        ready()
        await stop.wait()
        listener.close()
        for connection in list(self._live):
            connection.force_close()
        self._connections.pre_shutdown()
        await self._connections.shutdown(STOP_SECONDS)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._respond(request)
        except ConnectionError:  # the client left
            raise
        except Exception:
            log.exception("web.request_failed", path=request.raw_path.partition("?")[0])
            raise

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            body = await receive(request)
            environ = environ_of(request, body)
        except TimeoutError:
            return _refuse(408)
        except ValueError:
            return _refuse(400)
        call = ApplicationCall(self._application, self._threads)
        if body.is_upload:
            async with self._uploads:
                with self._connections.being_served(request):
                    first = await call.begin(environ)
        else:
            with self._connections.being_served(request):
                first = await call.begin(environ)
        try:
            return await self._answer(request, call, first)
        finally:
            await call.end()

    async def _answer(self, request: web.BaseRequest, call: ApplicationCall, piece: bytes) -> web.StreamResponse:
        answer = call.answer
        response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=answer.headers)
        response.headers.setdefault("Server", "haichieu")
        if not request.content.is_eof():
            response.force_close()
        try:
            await response.prepare(request)
            await self._send(request, response, piece)
            if answer.is_live:
                self._live.add(request.protocol)
            while not answer.is_over:
                with self._connections.being_served(request):
                    piece = await call.more()
                await self._send(request, response, piece)
            await response.write_eof()
            await _read_a_little_more(request)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._live.discard(request.protocol)
        return response

    @staticmethod
    async def _send(request: web.BaseRequest, response: web.StreamResponse, piece: bytes) -> None:
        for start in range(0, len(piece), SLICE):
            async with asyncio.timeout(SEND_SECONDS):
                await response.write(piece[start : start + SLICE])


async def _read_a_little_more(request: web.BaseRequest) -> None:
    """Read what the client had sent already: a reset in answer to it would destroy the response (RFC 9112 §9.6)."""
    read = 0
    try:
        async with asyncio.timeout(1.0):
            while read < _UNREAD and not request.content.is_eof():
                read += len(await request.content.readany())
    except (TimeoutError, web.RequestPayloadError):
        return


def _refuse(status: int) -> web.Response:
    response = web.Response(status=status)
    response.force_close()
    return response


def serve(
    application: "WSGIApplication", host: str, port: int, ready: Callable[[], None], *, behind_proxy: bool = False
) -> None:
    """Serve until SIGTERM or Ctrl-C; `ready` is called once requests can be taken."""
    leave_what_stays()
    asyncio.run(_until_told(application, host, port, ready, behind_proxy))


def leave_what_stays() -> None:
    """Freeze the objects loaded at start: a full garbage collection would delay a page by 120 ms."""
    gc.collect()
    gc.freeze()


async def _until_told(
    application: "WSGIApplication", host: str, port: int, ready: Callable[[], None], behind_proxy: bool
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await HttpServer(application, behind_proxy=behind_proxy).run(host, port, ready, stop)
