"""Receiving a sound file: streamed to the disk of the store, never held in memory, never more than is taken."""

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from haichieu.audio.ingest import MOST_BYTES
from haichieu.errors import HaiChieuError

V = TypeVar("V", bound=Callable[..., Any])

_CHUNK = 1 << 20
_MARK = "streams_body"


class UploadTooLarge(HaiChieuError):
    """The file is larger than the station accepts."""

    http_status = 413

    def __init__(self, most: int) -> None:
        super().__init__("panel.recorder.too_large", most=most // 1_000_000)


def streams_body(view: V) -> V:
    """Say of a view that it reads its body piece by piece, with a limit of its own."""
    view.__dict__[_MARK] = True
    return view


def is_streamed(view: Callable[..., Any] | None) -> bool:
    """Whether that was said of it."""
    return getattr(view, _MARK, False)


def receive(stream: IO[bytes], declared: int | None, file: Path, most: int = MOST_BYTES) -> None:
    """Write what comes into a file. Raises UploadTooLarge, of a declared length before a byte is read."""
    if declared is not None and declared > most:
        raise UploadTooLarge(most)
    written = 0
    with file.open("wb") as kept:
        while chunk := stream.read(_CHUNK):
            written += len(chunk)
            if written > most:
                raise UploadTooLarge(most)
            kept.write(chunk)
