"""Bodies of requests: complete before a thread starts, or read by the view with a limit for each pause.

Forms, JSON and webhooks fit into `COMPLETE`. A longer body is an upload of a signed-in user; the view reads it after
the access gate, so that a stranger can neither fill a disk nor occupy a thread.
"""

import asyncio
import io
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import IO

from aiohttp import web

COMPLETE = 1 << 20
"""At least the largest form (`admin.web.LARGEST_FORM`)."""
BODY_SECONDS = 60.0
"""Limit for a complete body."""
PAUSE_SECONDS = 20.0
"""Limit for each pause within an upload."""
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Body:
    """What the application reads. `length` is None for an upload of unknown length."""

    stream: IO[bytes]
    length: int | None
    is_upload: bool = False


async def receive(request: web.BaseRequest) -> Body:
    """Read the body, or prepare an upload. Raises TimeoutError, and ConnectionError when the client left."""
    declared = request.content_length
    if declared is not None and declared > COMPLETE:
        return Body(io.BufferedReader(Upload(request, b""), _CHUNK), declared, is_upload=True)
    if not request.body_exists:
        return Body(io.BytesIO(), 0)
    read = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        ask_for(request)
        while chunk := await _next(request, _CHUNK):
            read += chunk
            if len(read) > COMPLETE:
                return Body(io.BufferedReader(Upload(request, bytes(read)), _CHUNK), None, is_upload=True)
    return Body(io.BytesIO(bytes(read)), len(read))


def ask_for(request: web.BaseRequest) -> None:
    """Tell a client that waits for it to send the body (RFC 9110 §10.1.1)."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


class Upload(io.RawIOBase):
    """The body of a request, read in a thread while it arrives."""

    def __init__(self, request: web.BaseRequest, beginning: bytes) -> None:
        super().__init__()
        self._request, self._beginning = request, beginning
        self._loop = asyncio.get_running_loop()
        self._is_asked_for = bool(beginning)

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Wait for bytes of the body. Raises OSError: the client paused for too long or left."""
        if not self._beginning:
            try:
                self._beginning = asyncio.run_coroutine_threadsafe(self._more(), self._loop).result()
            except CancelledError as problem:
                raise ConnectionAbortedError from problem
        taken = self._beginning[: len(buffer)]
        self._beginning = self._beginning[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)

    async def _more(self) -> bytes:
        if not self._is_asked_for:
            self._is_asked_for = True
            ask_for(self._request)
        async with asyncio.timeout(PAUSE_SECONDS):
            return await _next(self._request, _CHUNK)


async def _next(request: web.BaseRequest, size: int) -> bytes:
    try:
        return await request.content.read(size)
    except web.RequestPayloadError as problem:
        raise ConnectionAbortedError from problem
