"""Texts in the spool: what the dialplan stored of each SIP MESSAGE, encrypted, before anything else happens to it.

One file per text in `<home>/spool/texts`, with a random name: time, kind of account, dialled number and declared
length; then Call-ID, CSeq, From and body, each sealed (`dialplans.sealed`) and ended by a full stop; then "end". A file
without it is still being written, or was cut short by a full disk or a killed Asterisk.
"""

import datetime
import re
import time
from dataclasses import dataclass
from pathlib import Path

from dialplans.sealed import caller_key, unsealed

FOLDER = "spool/texts"
MOST_A_MINUTE = {"phone": 300, "trunk": 1200}
"""Texts per minute from all phones, and from all trunks, that are stored; above it they are counted and dropped."""
STILL_SECONDS = 10.0
"""An unfinished file that has not changed for this long is never finished."""

_NAME = re.compile(r"text-[0-9a-f-]{36}")
COLON = "\x1a"
"""What the dialplan writes for a colon, which can begin a substring in an argument of a function."""


@dataclass(frozen=True)
class LeftText:
    """A text in the spool. `source` is "phone" or "trunk", `sender` the From header.

    It is not `whole` when a part never came: Asterisk drops bodies above 1,022 bytes, and a disk can be full.
    """

    file: Path
    at: datetime.datetime
    source: str
    dialled: str
    call_id: str
    sequence: str
    sender: str
    body: str
    whole: bool

    def forget(self) -> None:
        """Delete the file, after the text is filed."""
        self.file.unlink(missing_ok=True)


def left_texts(home: Path) -> list[str]:
    """Return the names of the texts in the spool, the oldest first."""
    found = [path for path in (home / FOLDER).glob("text-*") if _NAME.fullmatch(path.name)]
    return [path.name for path in sorted(found, key=_changed)]


def is_finished(home: Path, name: str) -> bool:
    """Return whether nothing more is written to a text."""
    file = home / FOLDER / name
    return file.read_bytes().endswith(b".end") or time.time() - _changed(file) > STILL_SECONDS


def left_text(home: Path, name: str) -> LeftText | None:
    """Return the text with this name; None when it is not in the spool."""
    file = home / FOLDER / name
    if not _NAME.fullmatch(name) or not file.exists():
        return None
    moment, source, dialled, length, sealed, *_ = [*file.read_text("ascii", "replace").split(" "), *[""] * 5]
    key = caller_key(home).encode()
    fields = [_field(part, key) for part in sealed.split(".")]
    call_id, sequence, sender, body, *_ = [*fields, *[""] * 4]
    at = int(moment) if moment.isdecimal() else _changed(file)
    empty = not body and length.isdecimal() and int(length) > 0
    return LeftText(
        file, datetime.datetime.fromtimestamp(at, datetime.UTC), source, dialled, call_id, sequence, sender, body,
        whole=sealed.endswith(".end") and not empty,
    )  # fmt: skip


def dropped(home: Path, source: str) -> Path | None:
    """Return a file with one byte per text of phones or trunks that was dropped; None without any.

    Delete it when they are reported.
    """
    file = home / FOLDER / f"flood-{source}"
    counted = file.with_name(f"counted-{source}")
    if file.exists() and not counted.exists():
        file.rename(counted)
    return counted if counted.exists() else None


def _field(sealed: str, key: bytes) -> str:
    return (unsealed(sealed, key) or b"").decode("utf-8", "replace").replace(COLON, ":")


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
