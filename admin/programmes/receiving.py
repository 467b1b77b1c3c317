"""Receiving a sound file: streamed to the disk of the store, never held in memory, never more than is taken."""

from pathlib import Path
from typing import IO

from haichieu.audio.ingest import MOST_BYTES
from haichieu.errors import HaiChieuError

_CHUNK = 1 << 20


class UploadTooLarge(HaiChieuError):
    """The file is larger than the station takes."""

    def __init__(self) -> None:
        super().__init__(
            f"Tệp quá lớn: đài nhận tối đa {MOST_BYTES // 1_000_000} MB. / "
            f"The file is too large: at most {MOST_BYTES // 1_000_000} MB are taken."
        )


def receive(stream: IO[bytes], declared: int | None, file: Path) -> None:
    """Write what comes into a file. Raises UploadTooLarge, of a declared length before a byte is read."""
    if declared is not None and declared > MOST_BYTES:
        raise UploadTooLarge
    written = 0
    with file.open("wb") as kept:
        while chunk := stream.read(_CHUNK):
            written += len(chunk)
            if written > MOST_BYTES:
                raise UploadTooLarge
            kept.write(chunk)
