"""The WSGI application (PEP 3333) for one request: its environment, and its response piece by piece.

A thread works only while the application computes; between two pieces of a long response, none waits for the client.
"""

import asyncio
import contextvars
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote_to_bytes, urlsplit

from aiohttp import web
from aiohttp.http import HttpVersion11
from multidict import CIMultiDict

from admin.http.bodies import Body
from admin.http.threads import Threads

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PIECE = 1 << 18
T = TypeVar("T")


@dataclass
class Answer:
    """The response of the application to one request."""

    status: int = 500
    reason: str = ""
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    is_over: bool = False
    """Whether the application has returned everything."""

    @property
    def is_live(self) -> bool:
        """Whether each piece must reach the client at once (the header is nginx's, which obeys it too)."""
        return self.headers.get("X-Accel-Buffering") == "no"


class ApplicationCall:
    """One request to the application. Every step runs in a thread, with the context variables of the first."""

    def __init__(self, application: "WSGIApplication", threads: Threads) -> None:
        self.answer = Answer()
        self._application, self._threads = application, threads
        self._context = contextvars.copy_context()
        self._pieces: Iterator[bytes] = iter(())
        self._close: Callable[[], None] | None = None
        self._is_computing = False

    async def begin(self, environ: "WSGIEnvironment") -> bytes:
        """Call the application and return the first piece; `answer` is complete then."""
        return await self._in_thread(partial(self._begin, environ))

    async def more(self) -> bytes:
        """Return the next piece; the last one may be empty."""
        return await self._in_thread(self._more)

    async def end(self) -> None:
        """Tell the application that nobody wants the rest, unless it still computes: then the process is ending."""
        if not (self.answer.is_over or self._is_computing):
            await self._in_thread(self._end)

    async def _in_thread(self, step: Callable[[], T]) -> T:
        self._is_computing = True
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._context.run, self._compute, step)

    def _compute(self, step: Callable[[], T]) -> T:
        try:
            return step()
        finally:
            self._is_computing = False

    def _begin(self, environ: "WSGIEnvironment") -> bytes:
        start: StartResponse = self._start_response  # type: ignore[assignment]  # nothing here uses write()
        returned = self._application(environ, start)
        self._close = getattr(returned, "close", None)
        self._pieces = iter(returned)
        return self._more()

    def _start_response(self, status: str, headers: list[tuple[str, str]], _problem: object = None) -> None:
        code, _, reason = status.partition(" ")
        self.answer.status, self.answer.reason = int(code), reason
        self.answer.headers = CIMultiDict(headers)

    def _more(self) -> bytes:
        collected, size = [], 0
        try:
            for piece in self._pieces:
                collected.append(piece)
                size += len(piece)
                if size >= PIECE or (size and self.answer.is_live):
                    return b"".join(collected)
        except BaseException:
            self._end()
            raise
        self._end()
        return b"".join(collected)

    def _end(self) -> None:
        if not self.answer.is_over:
            self.answer.is_over = True
            if self._close is not None:
                self._close()


def environ_of(request: web.BaseRequest, body: Body) -> "WSGIEnvironment":
    """Return the environment of a request. Raises ValueError for a target that is no path."""
    target = request.raw_path
    if not target.startswith("/"):
        parts = urlsplit(target)
        if parts.scheme not in ("http", "https"):
            raise ValueError(target)
        target = f"{parts.path or '/'}?{parts.query}"
    path, _, query = target.partition("?")
    host, port = request.transport.get_extra_info("sockname")[:2] if request.transport else ("", 0)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1" if request.version >= HttpVersion11 else "HTTP/1.0",
        "REMOTE_ADDR": request.remote or "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body.stream,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    _add_headers(environ, request)
    if body.length is not None:
        environ["CONTENT_LENGTH"] = str(body.length)
    return environ


def _add_headers(environ: "WSGIEnvironment", request: web.BaseRequest) -> None:
    for raw_name, raw_value in request.raw_headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" in name:
            continue  # X_Forwarded_For would pass for X-Forwarded-For, which a proxy checks
        key = name.upper().replace("-", "_")
        if key in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
            continue  # the body is decoded
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        joint = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{joint}{value}" if key in environ else value
