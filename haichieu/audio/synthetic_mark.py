"""Machine-readable mark of synthetic sound in WAV files (Decree 142/2026, art. 17).

The mark is a LIST chunk of type INFO after the samples, which every player skips: ISFT names the software, ICMT
contains JSON with the digital source type of IPTC, which other programs know, and the voice. A human recording has no
mark.
"""

import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SOFTWARE = "Hai Chieu village radio"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED, RULES = "trainedAlgorithmicMedia", "algorithmicMedia"
COMPOSITES = ("compositeWithTrainedAlgorithmicMedia", "compositeSynthetic")
"""A recording with synthetic parts, as other programs mark it."""
MOST_BYTES = 65_536
"""Nobody's mark is longer."""

_CHUNK = struct.Struct("<4sI")


@dataclass(frozen=True)
class SyntheticMark:
    """What the mark says: the voice, and whether it was `trained` on recordings or follows rules alone."""

    voice: str
    trained: bool


def write_mark(wav: Path, mark: SyntheticMark) -> None:
    """Append the mark to a WAV file; one that has a mark keeps it."""
    if read_mark(wav) is not None:
        return
    comment = {"digitalSourceType": SOURCE_TYPES + (TRAINED if mark.trained else RULES), "voice": mark.voice}
    content = b"INFO" + _text(b"ISFT", SOFTWARE) + _text(b"ICMT", json.dumps(comment))
    with wav.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"\0" * (file.tell() % 2) + _CHUNK.pack(b"LIST", len(content)) + content)
        size = file.tell()
        file.seek(4)
        file.write(struct.pack("<I", size - 8))


def read_mark(wav: Path) -> SyntheticMark | None:
    """Return the mark of a WAV file; None when it has none or is no WAV file."""
    with wav.open("rb") as file:
        for name, content in _chunks(file):
            if name == b"LIST" and content.startswith(b"INFO"):
                for inner, text in _texts(content[4:]):
                    if inner == b"ICMT" and (mark := mark_in(text)) is not None:
                        return mark
    return None


def mark_in(comment: str) -> SyntheticMark | None:
    """Return the mark that a comment in a file contains, ours or any with a digital source type of IPTC."""
    known = {kind: kind != RULES for kind in (TRAINED, RULES, *COMPOSITES)}
    found = next((trained for kind, trained in known.items() if SOURCE_TYPES + kind in comment), None)
    if found is None:
        return None
    try:
        voice = str(json.loads(comment)["voice"])[:200]
    except (ValueError, KeyError, TypeError):
        voice = "?"
    return SyntheticMark(voice, found)


def _text(name: bytes, text: str) -> bytes:
    content = text.encode("ascii", "replace") + b"\0"
    return _CHUNK.pack(name, len(content)) + content + b"\0" * (len(content) % 2)


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a RIFF file; the content only of small ones."""
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return
    while len(head := file.read(_CHUNK.size)) == _CHUNK.size:
        name, length = _CHUNK.unpack(head)
        after = file.tell() + length + length % 2
        yield name, file.read(length) if length <= MOST_BYTES else b""
        file.seek(after)


def _texts(content: bytes) -> Iterator[tuple[bytes, str]]:
    while len(content) >= _CHUNK.size:
        name, length = _CHUNK.unpack(content[: _CHUNK.size])
        text = content[_CHUNK.size : _CHUNK.size + length]
        yield name, text.rstrip(b"\0").decode(errors="replace")
        content = content[_CHUNK.size + length + length % 2 :]
