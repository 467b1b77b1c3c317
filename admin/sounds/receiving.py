"""Upload of audio, streamed to disk with a size limit."""

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
    """Mark a view that streams the request body and has its own size limit."""
    view.__dict__[_MARK] = True
    return view


def is_streamed(view: Callable[..., Any] | None) -> bool:
    """Return whether the view is marked."""
    return getattr(view, _MARK, False)


def receive(stream: IO[bytes], declared: int | None, file: Path, most: int = MOST_BYTES) -> None:
    """Write the stream to a file. Raises UploadTooLarge, before reading when the declared length is too large."""
    if declared is not None and declared > most:
        raise UploadTooLarge(most)
    written = 0
    with file.open("wb") as kept:
        while chunk := stream.read(_CHUNK):
            written += len(chunk)
            if written > most:
                raise UploadTooLarge(most)
            kept.write(chunk)
