"""Requests to a source system over HTTP: sign-in, renewal of the token, limits, certificates.

Certificates are checked against the machine's authorities. The token goes to the source's own address only.
"""

import asyncio
import datetime
import email.utils
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import aiohttp

from broadcast_bridge.alerts.hosts import origin, same_origin
from broadcast_bridge.source_system.errors import (
    AnswerNotUnderstood,
    LoginRefused,
    RequestRefused,
    SoundMissing,
    SourceUnreachable,
)
from broadcast_bridge.source_system.exchange import Access, Dialect, Json, Token
from haichieu.audio.ingest import MOST_BYTES
from haichieu.database import now

REQUEST_SECONDS = 20.0
DOWNLOAD_SECONDS = 600.0
LARGEST_ANSWER = 5_000_000
RENEWED_BEFORE = datetime.timedelta(seconds=30)
CLOCKS_DIFFER = datetime.timedelta(minutes=5)
_CHUNK = 1 << 16
_GONE = (404, 410)
_LATER = (408, 425, 429)


class HttpWire:
    """Requests of one exchange with one source, and what they showed: `clock_ahead` is how far its clock is ahead.

    `token` may be given from an earlier exchange.
    """

    def __init__(
        self, client: aiohttp.ClientSession, access: Access, dialect: Dialect, token: Token | None = None
    ) -> None:
        self.access = access
        self.token = token
        self.clock_ahead: datetime.timedelta | None = None
        self._client = client
        self._dialect = dialect

    async def get(self, path: str, **query: str) -> Json:
        """Return the answer to a signed GET."""
        return await self._signed(lambda headers: self._ask("GET", path, headers, query=query))

    async def wait(self, path: str, seconds: float, **query: str) -> Json:
        """Return the answer to a signed GET that the source may keep waiting for so long."""
        limit = seconds + REQUEST_SECONDS
        return await self._signed(lambda headers: self._ask("GET", path, headers, query=query, limit=limit))

    async def post(self, path: str, body: Json, *, signed: bool = True) -> Json:
        """Return the answer to a POST, signed in unless told otherwise."""
        if not signed:
            return await self._ask("POST", path, {}, body=body)
        return await self._signed(lambda headers: self._ask("POST", path, headers, body=body))

    async def download(self, link: str, file: Path) -> None:
        """Write the sound at a link into a file. Raises SoundMissing where asking again would not help."""
        own = same_origin(link, self.access.address)
        if not own and not self._is_file_host(link):
            raise SoundMissing("source.other_host", link=link[:200])
        if not own:
            try:
                return await self._save(link, file, {})
            except _SignedOut:
                raise SoundMissing("source.no_sound", link=link[:200]) from None
        for again in (False, True):
            try:
                return await self._save(link, file, await self._headers())
            except _SignedOut:
                self.token = None
                if again:
                    raise LoginRefused("source.login_refused", source=self.access.name) from None
        return None

    def _is_file_host(self, link: str) -> bool:
        found = origin(link)
        own = origin(self.access.address)
        return found is not None and own is not None and found[0] == own[0] and found[1] in self.access.file_hosts

    async def _signed(self, ask: Callable[[dict[str, str]], Awaitable[Json]]) -> Json:
        try:
            return await ask(await self._headers())
        except _SignedOut:
            self.token = None
        try:
            return await ask(await self._headers())
        except _SignedOut:
            raise LoginRefused("source.login_refused", source=self.access.name) from None

    async def _headers(self) -> dict[str, str]:
        if self.token is not None and self.token.until is not None and self.token.until <= now() + RENEWED_BEFORE:
            self.token = None
        if self.token is None:
            try:
                self.token = await self._dialect.log_in(self)
            except _SignedOut:
                raise LoginRefused("source.login_refused", source=self.access.name) from None
        return {"Authorization": f"Bearer {self.token.text}"}

    async def _ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Json | None = None,
        query: Mapping[str, str] | None = None,
        limit: float | None = None,
    ) -> Json:
        url = f"{self.access.address.rstrip('/')}/{path}"
        try:
            async with self._client.request(
                method, url, headers={"Accept": "application/json", **headers}, json=body, params=query or None,
                allow_redirects=False, timeout=aiohttp.ClientTimeout(total=limit or REQUEST_SECONDS),
            ) as response:  # fmt: skip
                self._compare_clocks(response)
                _require_success(response, url)
                text = await _body(response, url)
        except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
            raise _unreachable(url, problem) from problem
        try:
            answer = json.loads(text) if text else {}
        except (ValueError, RecursionError) as problem:
            raise AnswerNotUnderstood("source.not_json", url=url) from problem
        if not isinstance(answer, dict):
            raise AnswerNotUnderstood("source.not_json", url=url)
        return answer

    async def _save(self, link: str, file: Path, headers: dict[str, str]) -> None:
        try:
            async with self._client.get(
                link, headers=headers, allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=DOWNLOAD_SECONDS, sock_connect=REQUEST_SECONDS, sock_read=REQUEST_SECONDS
                ),
            ) as response:  # fmt: skip
                if response.status in _GONE:
                    raise SoundMissing("source.no_sound", link=link[:200])
                _require_success(response, link[:200])
                if (response.content_length or 0) > MOST_BYTES:
                    raise SoundMissing("source.sound_too_large", link=link[:200], most=MOST_BYTES // 1_000_000)
                size = 0
                with file.open("wb") as target:
                    async for chunk in response.content.iter_chunked(_CHUNK):
                        size += len(chunk)
                        if size > MOST_BYTES:
                            raise SoundMissing("source.sound_too_large", link=link[:200], most=MOST_BYTES // 1_000_000)
                        await asyncio.to_thread(target.write, chunk)
        except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
            raise _unreachable(link[:200], problem) from problem

    def _compare_clocks(self, response: aiohttp.ClientResponse) -> None:
        try:
            theirs = email.utils.parsedate_to_datetime(response.headers.get("Date", ""))
        except ValueError:
            return
        if theirs.tzinfo is not None:
            self.clock_ahead = theirs - now()


class _SignedOut(Exception):
    """The source does not accept the token (HTTP 401 or 403)."""


def _require_success(response: aiohttp.ClientResponse, url: str) -> None:
    if response.status in (401, 403):
        raise _SignedOut
    if 400 <= response.status < 500 and response.status not in _LATER:
        raise RequestRefused("source.http_status", url=url, status=response.status)
    if not 200 <= response.status < 300:
        raise SourceUnreachable("source.http_status", url=url, status=response.status)


async def _body(response: aiohttp.ClientResponse, url: str) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise AnswerNotUnderstood("source.answer_too_large", url=url)
    return bytes(body)


def _unreachable(url: str, problem: Exception) -> SourceUnreachable:
    said = f"{type(problem).__name__} {problem}".strip()[:500]
    return SourceUnreachable("source.unreachable", url=url, problem=said)
