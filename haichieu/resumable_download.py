"""Download of one file of known size and digest: it continues where an earlier attempt ended; it is whole or absent."""

import contextlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from haichieu.errors import EnvironmentProblem
from haichieu.media import digest_of

PART = ".part"
"""Suffix of what has arrived so far."""
BLOCK = 1 << 16
SILENT_SECONDS = 30.0
"""A server that sends nothing for this time has failed."""


class DownloadFailed(EnvironmentProblem):
    """The file was not downloaded; what has arrived so far stays, and the next attempt continues."""


class WrongContent(DownloadFailed):
    """The file is not the expected one, and was deleted."""


def download(
    address: str,
    target: Path,
    size: int,
    sha256: str,
    progress: Callable[[int], None] = lambda count: None,
    headers: Mapping[str, str] = MappingProxyType({}),
    silent_seconds: float = SILENT_SECONDS,
) -> None:
    """Download a file from an HTTP server to `target`; `progress` receives the number of bytes that are there.

    A server that sends nothing for `silent_seconds` has failed. Raises DownloadFailed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + PART)
    there = part.stat().st_size if part.exists() else 0
    if there > size:
        part.unlink()
        there = 0
    needed = size - there
    if shutil.disk_usage(target.parent).free < needed:
        raise DownloadFailed("download.no_space", file=target.name, megabytes=needed // 1_000_000 + 1)
    progress(there)
    if there < size:
        there = _receive(_request(address, there, headers), part, there, size, progress, silent_seconds)
    if there < size:
        raise DownloadFailed("download.interrupted", file=target.name, percent=there * 100 // size)
    if there > size or digest_of(part) != sha256:
        part.unlink()
        raise WrongContent("download.wrong_content", file=target.name, address=address)
    part.replace(target)


def _request(address: str, there: int, headers: Mapping[str, str]) -> urllib.request.Request:
    if not address.startswith(("http://", "https://")):
        raise DownloadFailed("download.no_address", address=address)
    rest = {"Range": f"bytes={there}-"} if there else {}
    return urllib.request.Request(address, headers={**headers, **rest})  # noqa: S310


def _receive(
    request: urllib.request.Request,
    part: Path,
    there: int,
    size: int,
    progress: Callable[[int], None],
    silent_seconds: float,
) -> int:
    """Append what is missing; return the number of bytes that are there, one more than `size` if more came."""
    try:
        with urllib.request.urlopen(request, timeout=silent_seconds) as answer:  # noqa: S310
            if answer.status != 206 or not (answer.headers["Content-Range"] or "").startswith(f"bytes {there}-"):
                there = 0  # a server without ranges sends everything (RFC 9110 §14.2)
            with part.open("r+b" if part.exists() else "wb") as file:
                file.truncate(there)
                file.seek(there)
                with contextlib.suppress(http.client.HTTPException, OSError):  # what has come is kept
                    while there <= size and (block := answer.read(min(BLOCK, size + 1 - there))):
                        file.write(block)
                        there += len(block)
                        progress(min(there, size))
                file.flush()
                os.fsync(file.fileno())
    except (urllib.error.URLError, http.client.HTTPException, OSError) as problem:
        raise DownloadFailed("download.refused", address=request.full_url, why=str(problem)) from problem
    return there
