"""Messages that citizens left while the application was down, with the notes of the degraded dialplan.

Two files per message in `<home>/spool/messages`: `left-<channel>.wav`, and `left-<channel>.about` with the time, the
dialled number and the caller's number, encrypted with a key of the station. The channel's id in the name shows whether
its caller is still speaking; no file name contains a caller's number.
"""

import datetime
import re
from dataclasses import dataclass
from pathlib import Path

from dialplans.sealed import SEALED_BLOCK, caller_key, unsealed

FOLDER = "spool/messages"
SILENCE_SECONDS = 6
"""Silence that ends a message; long enough for pauses of slow speakers."""
MOST_SECONDS = 300

_NAME = re.compile(r"left-([0-9.]+)")
_SUFFIXES = (".wav", ".about")


@dataclass(frozen=True)
class LeftMessage:
    """A message in the spool. Without a note, `dialled` is empty and `at` is the file's time.

    `number` is None if the caller withholds it.
    """

    channel: str
    wav: Path
    about: Path
    at: datetime.datetime
    dialled: str = ""
    number: str | None = None

    def forget(self) -> None:
        """Delete both files, after the message is filed or found to be empty."""
        self.wav.unlink(missing_ok=True)
        self.about.unlink(missing_ok=True)


def left_messages(home: Path) -> list[LeftMessage]:
    """Return every message in the spool, sorted, including those still being recorded."""
    folder = home / FOLDER
    names = sorted({path.stem for path in folder.glob("left-*") if path.suffix in _SUFFIXES})
    key = caller_key(home).encode()
    return [_read(folder, name, found[1], key) for name in names if (found := _NAME.fullmatch(name))]


def left_message(home: Path, name: str) -> LeftMessage | None:
    """Return the message with this file name, without suffix; None when neither of its files is in the spool."""
    folder, found = home / FOLDER, _NAME.fullmatch(name)
    if found is None or not any((folder / f"{name}{suffix}").exists() for suffix in _SUFFIXES):
        return None
    return _read(folder, name, found[1], caller_key(home).encode())


def _read(folder: Path, name: str, channel: str, key: bytes) -> LeftMessage:
    wav, about = folder / f"{name}.wav", folder / f"{name}.about"
    try:
        moment, dialled, *rest = about.read_text("ascii").split(" ")
        at = datetime.datetime.fromtimestamp(int(moment), datetime.UTC)
    except (FileNotFoundError, ValueError):  # on a full disk, one of the two may be missing
        begun = wav.stat().st_mtime if wav.exists() else about.stat().st_mtime
        return LeftMessage(channel, wav, about, datetime.datetime.fromtimestamp(begun, datetime.UTC))
    return LeftMessage(channel, wav, about, at, dialled, _decrypted(rest[0].strip(), key) if rest else None)


def _decrypted(sealed: str, key: bytes) -> str | None:
    number = (unsealed(sealed, key) or b"").decode("ascii", "replace")
    return number if len(sealed) == 2 * SEALED_BLOCK and re.fullmatch(r"[0-9+]+", number) else None
