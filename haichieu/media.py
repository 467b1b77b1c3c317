"""The media store: sound files kept under the digest of their content, each with a row."""

import datetime
import hashlib
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
    created_at: Mapped[datetime.datetime] = mapped_column(default=now)


class MediaStore:
    """The folder `<home>/media`, with files named by their SHA-256 digest."""

    def __init__(self, folder: Path, min_free_megabytes: int) -> None:
        self.folder = folder
        self._min_free = min_free_megabytes * 1_000_000

    def path(self, media: Media) -> Path:
        """Where the file of a row lies."""
        return self.folder / media.sha256[:2] / f"{media.sha256}.wav"

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

    def keep(self, session: Session, wav: Path) -> Media:
        """Move a WAV file into the store and return its row; the same content is kept once.

        The file is in its place before the row is committed: a crash between the two leaves a file
        without a row, never a row without its file.
        """
        digest = hashlib.sha256(wav.read_bytes()).hexdigest()
        media = session.scalar(sa.select(Media).where(Media.sha256 == digest))
        if media is None:
            with wave.open(str(wav), "rb") as sound:
                seconds = sound.getnframes() / sound.getframerate()
            media = Media(sha256=digest, bytes=wav.stat().st_size, seconds=round(seconds, 3))
            session.add(media)
        target = self.path(media)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(wav, target)
        session.flush()
        return media
