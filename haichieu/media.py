"""The media store: sound files kept under the digest of their content, each with a row."""

import datetime
import hashlib
import os
import shutil
import wave
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu.database import Base, now
from haichieu.errors import EnvironmentProblem


class DiskFull(EnvironmentProblem):
    """Too little disk is left to begin something that must be recorded."""


class Media(Base):
    """One sound file of the store."""

    __tablename__ = "media"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    bytes: Mapped[int]
    seconds: Mapped[float]
    suffix: Mapped[str] = mapped_column(sa.String(12), default=".wav")
    created_at: Mapped[datetime.datetime] = mapped_column(default=now)


class MediaStore:
    """The folder `<home>/media`, with files named by their SHA-256 digest.

    What is played is a pair, `<digest>.wav` (8 kHz) and beside it, of the same sound, `<digest>.wav16` (16 kHz): of
    one path without extension Asterisk takes the file that suits the call. A recording off the air has the first alone.
    """

    def __init__(self, folder: Path, min_free_megabytes: int) -> None:
        self.folder = folder
        self._min_free = min_free_megabytes * 1_000_000

    def path(self, media: Media) -> Path:
        """Where the file of a row lies."""
        return self.folder / media.sha256[:2] / f"{media.sha256}{media.suffix}"

    def require_space(self) -> None:
        """Raise DiskFull when less than the configured space is free."""
        self.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder).free
        if free < self._min_free:
            raise DiskFull(
                f"Ổ đĩa chỉ còn {free // 1_000_000} MB trống, cần {self._min_free // 1_000_000} MB. / "
                f"Only {free // 1_000_000} MB of disk are free, {self._min_free // 1_000_000} MB are needed: "
                f"free some space in {self.folder} or lower min_free_megabytes."
            )

    def keep(self, session: Session, wav: Path, wideband: Path | None = None) -> Media:
        """Move a WAV file, and its 16 kHz form if there is one, into the store and return the row.

        The same content is kept once. The files are in their place before the row is committed: a crash between
        the two leaves a file without a row, never a row without its file.
        """
        with wave.open(str(wav), "rb") as sound:
            seconds = sound.getnframes() / sound.getframerate()
        media = self._row(session, wav, ".wav", seconds)
        if wideband is not None:
            _move(wideband, self.path(media).with_suffix(".wav16"))
        _move(wav, self.path(media))
        return media

    def keep_original(self, session: Session, file: Path, suffix: str, seconds: float) -> Media:
        """Copy a file as it came into the store; `suffix` (".mp3") is only told to who downloads it."""
        clean = suffix.lower() if suffix[1:].isalnum() and len(suffix) <= 8 else ".bin"
        media = self._row(session, file, f".original{clean}"[:12], seconds)
        copy = self.path(media).with_suffix(".part")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
        _move(copy, self.path(media))
        return media

    def _row(self, session: Session, file: Path, suffix: str, seconds: float) -> Media:
        digest = digest_of(file)
        media = session.scalar(sa.select(Media).where(Media.sha256 == digest))
        if media is None:
            media = Media(sha256=digest, bytes=file.stat().st_size, seconds=round(seconds, 3), suffix=suffix)
            session.add(media)
            session.flush()
        return media


def digest_of(file: Path) -> str:
    """Return the SHA-256 digest of a file, as the store names it."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _move(file: Path, target: Path) -> None:
    """Put a file in its place so that a power cut leaves the whole of it or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    near = target.with_name(f"{target.name}.part")
    shutil.move(file, near)
    with near.open("rb") as written:
        os.fsync(written.fileno())
    os.replace(near, target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
