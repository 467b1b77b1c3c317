"""Spool of Asterisk's recordings, and which of them a call has claimed.

An unclaimed recording was left behind: its caller hung up, or the switchboard died. The owner of its kind of name finds
it with `left_behind`, processes it, and discards it only after the commit.
"""

import re
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

STILL_SECONDS = 2.0
"""A file that has not changed for this long is complete."""

HEADER_BYTES = 44

RECORDING_BYTES = 3 * 5 * 60 * 16_000
"""Need of a message of five minutes: two files in the spool, and a copy in the media store before they are deleted."""

EARLY = "early-"
"""Prefix of the recording that begins before another one, while the caller still hears the instructions for it."""


class Spool:
    """Asterisk's folder of recordings; names are without extension."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._in_hand: set[str] = set()

    def wav(self, name: str) -> Path:
        """Return the file of a recording."""
        return self._folder / f"{name}.wav"

    def sound(self, name: str) -> str:
        """Return the path without extension, as Asterisk plays it."""
        return str(self._folder / name)

    def take(self, name: str) -> None:
        """Claim a recording for a call."""
        self._in_hand.add(name)

    def let_go(self, name: str) -> None:
        """Release a recording; if it is still there, it counts as left behind."""
        self._in_hand.discard(name)

    def in_hand(self, name: str) -> bool:
        """Return whether a call of this process has claimed it."""
        return name in self._in_hand

    def bytes_for_another(self) -> int:
        """Return the bytes that the recordings in progress and one more may need."""
        return (len(self._in_hand) + 1) * RECORDING_BYTES

    def discard(self, name: str) -> None:
        """Delete a recording and its early one, if they are there."""
        self.wav(name).unlink(missing_ok=True)
        self.wav(f"{EARLY}{name}").unlink(missing_ok=True)

    def left_behind(self, kind: re.Pattern[str]) -> list[str]:
        """Return the unclaimed names of this kind, sorted."""
        found = sorted(path.stem for path in self._folder.glob("*.wav"))
        return [name for name in found if kind.fullmatch(name) and name not in self._in_hand]

    def adopt_early(self, name: str) -> None:
        """Put the early recording, which contains all of the other and what came before it, in the other's place.

        One that ended sooner, because the disk was full or Asterisk died, is deleted instead.
        """
        early, wav = self.wav(f"{EARLY}{name}"), self.wav(name)
        if _size(early) > HEADER_BYTES and _size(early) >= _size(wav):
            early.replace(wav)
        else:
            early.unlink(missing_ok=True)

    def has_early(self, name: str) -> bool:
        """Return whether there is an early recording that was not adopted yet."""
        return self.wav(f"{EARLY}{name}").exists()

    def is_still(self, name: str) -> bool:
        """Return whether it is there and complete."""
        try:
            return time.time() - self.wav(name).stat().st_mtime > STILL_SECONDS
        except FileNotFoundError:
            return False

    def has_sound(self, name: str) -> bool:
        """Return whether it contains any samples."""
        return _size(self.wav(name)) > HEADER_BYTES


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@dataclass(frozen=True)
class LeftRecording:
    """A recording that no call has claimed; its caller may still be speaking while `channel` is in Asterisk."""

    name: str
    channel: str = ""


class SpooledRecordings:
    """The recordings of one kind, identified by name: base of the classes that take them out of the spool."""

    kind: ClassVar[re.Pattern[str]]

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def sound(self, name: str) -> str:
        """Return the recording's path without extension."""
        return self._spool.sound(name)

    def discard(self, name: str) -> None:
        """Delete the recording."""
        self._spool.discard(name)

    def let_go(self, name: str) -> None:
        """Release the recording; if it is still there, it counts as left behind."""
        self._spool.let_go(name)

    def left_behind(self) -> list[str]:
        """Return the names of unclaimed recordings."""
        return self._spool.left_behind(self.kind)

    def left_recordings(self) -> list[LeftRecording]:
        """Return the recordings that no call has claimed, for the intake."""
        return [LeftRecording(name) for name in self.left_behind()]

    def is_still(self, name: str) -> bool:
        """Return whether the recording is complete."""
        return self._spool.is_still(name)


def close_wav(path: Path) -> None:
    """Write the true lengths into a WAV header that a killed Asterisk did not get to complete."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        header = file.read(HEADER_BYTES)
        if header[:4] == b"RIFF" and header[36:40] == b"data":
            file.seek(4)
            file.write(struct.pack("<I", size - 8))
            file.seek(40)
            file.write(struct.pack("<I", size - HEADER_BYTES))
