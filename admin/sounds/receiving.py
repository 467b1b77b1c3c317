"""Receiving a sound file: streamed to the disk of the store, never held in memory, never more than is taken."""

from pathlib import Path
from typing import IO

from haichieu.audio.ingest import MOST_BYTES
from haichieu.errors import HaiChieuError

_CHUNK = 1 << 20


class UploadTooLarge(HaiChieuError):
    """The file is larger than the station takes."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Tệp quá lớn: đài nhận tối đa {most // 1_000_000} MB. / "
            f"The file is too large: at most {most // 1_000_000} MB are taken."
        )


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
