"""WAV recording whose header is correct after every write, so that it can be read while it grows.

An existing recording of the same rate is continued. The standard library's `wave` can only start a new file, and
corrects the header only at the end.
"""

import os
import struct
from pathlib import Path

from haichieu.audio.errors import UnreadableSound

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_LARGEST = 0xFFFFFFFF - _HEADER.size


class WavRecording:
    """16-bit mono PCM appended to `path`; a context manager, or call `close`.

    Raises OSError when the file cannot be written, UnreadableSound when it exists and is not a recording of
    this rate (it is left as it is).
    """

    def __init__(self, path: Path, rate: int) -> None:
        self._rate = rate
        if path.exists() and path.stat().st_size:
            if read_wav_rate(path) != rate:
                raise UnreadableSound("audio.other_file_there", file=path, rate=rate)
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            self._bytes = max(0, path.stat().st_size - _HEADER.size)
            self._bytes -= self._bytes % 2
        else:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._bytes = 0
        self._write_header()

    @property
    def seconds(self) -> float:
        """Total recorded seconds."""
        return self._bytes / 2 / self._rate

    def write(self, pcm: bytes) -> None:
        """Append samples, up to the 4 GiB limit of a WAV file."""
        if not pcm or self._bytes + len(pcm) > _LARGEST:
            return
        written = 0
        while written < len(pcm):
            written += os.pwrite(self._file, pcm[written:], _HEADER.size + self._bytes + written)
        self._bytes += written
        self._write_header()

    def close(self) -> None:
        """Close the file; calling it again does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> "WavRecording":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write_header(self) -> None:
        rate, size = self._rate, self._bytes
        header = _HEADER.pack(
            b"RIFF", size + _HEADER.size - 8, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", size
        )
        os.pwrite(self._file, header, 0)


def read_wav_rate(path: Path) -> int:
    """Return the sample rate of one of our own recordings, 0 for any other file."""
    with path.open("rb") as file:
        head = file.read(_HEADER.size)
    if len(head) < _HEADER.size:
        return 0
    riff, _, kind, fmt, length, coding, channels, rate, _, _, bits, data, _ = _HEADER.unpack(head)
    ours = (b"RIFF", b"WAVE", b"fmt ", 16, 1, 1, 16, b"data")
    return int(rate) if (riff, kind, fmt, length, coding, channels, bits, data) == ours else 0
