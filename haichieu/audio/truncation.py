"""Detection of files that end before the place that their container declares.

Lengths in seconds are often estimates, or those of the film around the sound. Sizes in bytes are not: a container
that declares more bytes than the file has was cut off. Containers that declare nothing (MP3, streams) end anywhere.
"""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

SLACK_BYTES = 512
"""Writers of WAV and AIFF often count headers twice; this much is at most a few hundredths of a second."""

_UNKNOWN_32 = 0x7FFFF000
"""Programs that write into a pipe declare at least this: SoX this value, arecord 2 GiB, ffmpeg 4 GiB."""
_MOST_PARTS = 10_000
_LONGEST_PAGE = 65_307
"""Largest Ogg page (RFC 3533 §6)."""
_PAGE_HEADER = 27
_ADTS_FRAMES = 4
"""This many frames one behind the other are no coincidence."""
_LONGEST_AMR = 50_000_000
_SEGMENT = b"\x18\x53\x80\x67"
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_AMR_SIZES = {
    b"#!AMR\n": (13, 14, 16, 18, 20, 21, 27, 32, 6, 1, 1, 1, 1, 1, 1, 1),
    b"#!AMR-WB\n": (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 1, 1, 1, 1, 1, 1),
}
"""Bytes of a frame by its type, with its header (RFC 4867 §5.3)."""


def is_cut_off(source: Path) -> bool:
    """Return whether the file ends earlier than its container declares."""
    size = source.stat().st_size
    with source.open("rb") as file:
        head = file.read(16)
        measure = next((measure for matches, measure in _CONTAINERS if matches(head)), None)
        try:
            end = measure(file, size) if measure else None
        except struct.error:  # cut off within the header of a part
            return True
    return end is not None and end > size


def _riff(file: IO[bytes], size: int) -> int | None:
    """Return where the sound of a WAV or RF64 file ends."""
    at, long = 12, 0
    for _ in range(_MOST_PARTS):
        if at + 8 > size:
            return None
        name, length = _unpack(file, at, "<4sI")
        if name == b"ds64":
            (long,) = _unpack(file, at + 16, "<Q")
        if name == b"data":
            length = long or length
            return at + 8 + length - SLACK_BYTES if 0 < length < _UNKNOWN_32 or long else None
        at += 8 + length + length % 2
    return None


def _w64(file: IO[bytes], size: int) -> int | None:
    at = 40
    for _ in range(_MOST_PARTS):
        if at + 24 > size:
            return None
        name, length = _unpack(file, at, "<4s12xQ")
        if name == b"data":
            return int(at + length)
        at += max(length + -length % 8, 24)
    return None


def _aiff(file: IO[bytes], size: int) -> int | None:
    at = 12
    for _ in range(_MOST_PARTS):
        if at + 8 > size:
            return None
        name, length = _unpack(file, at, ">4sI")
        if name == b"SSND":
            return at + 8 + length - SLACK_BYTES if 8 < length < _UNKNOWN_32 else None
        at += 8 + length + length % 2
    return None


def _caf(file: IO[bytes], size: int) -> int | None:
    at = 8
    for _ in range(_MOST_PARTS):
        if at + 12 > size:
            return None
        name, length = _unpack(file, at, ">4sq")
        if name == b"data":
            return at + 12 + length if length > 0 else None
        at += 12 + max(length, 0)
    return None


def _mp4(file: IO[bytes], size: int) -> int | None:
    """Return the end of the last box that has sound or describes it (ISO/IEC 14496-12 §4.2)."""
    at, end = 0, None
    for _ in range(_MOST_PARTS):
        if at + 8 > size:
            break
        length, name = _unpack(file, at, ">I4s")
        if length == 1:
            (length,) = _unpack(file, at + 8, ">Q")
        if length < 8:  # 0: up to the end of the file
            break
        at += length
        if name in (b"mdat", b"moov", b"moof"):
            end = at
    return end


def _matroska(file: IO[bytes], size: int) -> int | None:
    """Return the end of the segment (RFC 8794 §5 and 6), None if its size is unknown."""
    _, at = _ebml_size(file, 4)
    start = at + _ebml_size(file, 4)[0]
    if _unpack(file, start, "4s")[0] != _SEGMENT:
        return None
    length, at = _ebml_size(file, start + 4)
    return at + length if length >= 0 else None


def _ebml_size(file: IO[bytes], at: int) -> tuple[int, int]:
    """Return the size at this position, -1 if it is unknown, and the position behind it."""
    (first,) = _unpack(file, at, "B")
    width = 9 - first.bit_length()
    if width > 8:
        return -1, at + 1
    (raw,) = _unpack(file, at, f"{width}s")
    most = (1 << 7 * width) - 1
    value = int.from_bytes(raw) & most
    return (-1 if value == most else value), at + width


def _ogg(file: IO[bytes], size: int) -> int | None:
    """Return the end of the last page, which is certain when even its header is incomplete."""
    file.seek(max(size - _LONGEST_PAGE, 0))
    tail = file.read()
    page = tail[max(tail.rfind(b"OggS"), 0) :]
    if not page.startswith(b"OggS"):
        return None
    if len(page) < _PAGE_HEADER or len(page) < _PAGE_HEADER + page[26]:
        return _missing(size)
    segments = page[_PAGE_HEADER : _PAGE_HEADER + page[26]]
    return _missing(size) if len(page) < _PAGE_HEADER + len(segments) + sum(segments) else size


def _asf(file: IO[bytes], size: int) -> int | None:
    file.seek(0)
    head = file.read(65_536)
    found = head.find(_ASF_FILE_PROPERTIES)
    # Object header of 24 bytes, an identifier of 16, then the size of the file.
    return int(_unpack(file, found + 40, "<Q")[0]) if found > 0 else None


def _amr(file: IO[bytes], size: int) -> int | None:
    """Return the end of the last frame: there is nothing but frames, and a recorder writes whole ones."""
    if size > _LONGEST_AMR:
        return None
    file.seek(0)
    content = file.read()
    magic = next(magic for magic in _AMR_SIZES if content.startswith(magic))
    sizes, at = _AMR_SIZES[magic], len(magic)
    while at < len(content):
        at += sizes[content[at] >> 3 & 15]
    return size if at == len(content) else _missing(size)


def _adts(file: IO[bytes], size: int) -> int | None:
    """Return the end of the last frame, found by following frames that lie one behind the other."""
    file.seek(max(size - _LONGEST_PAGE, 0))
    tail = file.read()
    for start in range(len(tail)):
        at, frames = start, 0
        while length := _adts_length(tail[at : at + 7]):
            at, frames = at + length, frames + 1
        if frames >= _ADTS_FRAMES:
            return _missing(size) if at > len(tail) else None  # something else may follow, such as a tag
    return None


def _adts_length(header: bytes) -> int:
    """Return the length of a frame of raw AAC by its header, 0 if it is none (ISO/IEC 13818-7 §6.2)."""
    if len(header) < 7 or not _is_adts(header):
        return 0
    return (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5


def _is_adts(head: bytes) -> bool:
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0


def _missing(size: int) -> int:
    return size + 1


def _unpack(file: IO[bytes], at: int, form: str) -> tuple[Any, ...]:
    file.seek(at)
    return struct.unpack(form, file.read(struct.calcsize(form)))


_CONTAINERS: tuple[tuple[Callable[[bytes], bool], Callable[[IO[bytes], int], int | None]], ...] = (
    (lambda head: head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE", _riff),
    (lambda head: head == _W64_RIFF, _w64),
    (lambda head: head[:4] == b"FORM" and head[8:11] == b"AIF", _aiff),
    (lambda head: head[:4] == b"caff", _caf),
    (lambda head: head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"), _mp4),
    (lambda head: head[:4] == b"\x1a\x45\xdf\xa3", _matroska),
    (lambda head: head[:4] == b"OggS", _ogg),
    (lambda head: head == _ASF_HEADER, _asf),
    (lambda head: head.startswith(tuple(_AMR_SIZES)), _amr),
    (_is_adts, _adts),
)
