"""Media store: sound files named by the digest of their content, each with a row."""

import contextlib
import datetime
import hashlib
import os
import shutil
import tempfile
import wave
from collections.abc import Collection, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu.database import Base, now
from haichieu.errors import EnvironmentProblem

SCRATCH = "making-"
"""Prefix of temporary folders in the store."""


class DiskFull(EnvironmentProblem):
    """Too little disk is free to start anything that is recorded."""


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

    A sound to be played is a pair, `<digest>.wav` (8 kHz) and `<digest>.wav16` (16 kHz): given the path without
    extension, Asterisk takes the file that suits the call. A recording of a broadcast has only the first.
    """

    def __init__(self, folder: Path, min_free_megabytes: int) -> None:
        self.folder = folder
        self._min_free = min_free_megabytes * 1_000_000

    def path(self, media: Media) -> Path:
        """Return the file of a row."""
        return self.folder / media.sha256[:2] / f"{media.sha256}{media.suffix}"

    def require_space(self) -> None:
        """Raise DiskFull when less than the configured space is free."""
        self.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder).free
        if free < self._min_free:
            raise DiskFull(
                "base.disk_full",
                free=free // 1_000_000,
                needed=self._min_free // 1_000_000,
                folder=self.folder,
            )

    def scratch(self) -> tempfile.TemporaryDirectory[str]:
        """Return a temporary folder on the disk of the store, so that storing a sound is a rename."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=SCRATCH, dir=self.folder)

    def abandoned_scratch(self, before: datetime.datetime) -> list[Path]:
        """Return the scratch folders without a write since `before`: their processes were killed."""

        def written(folder: Path) -> float:
            return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))

        return [folder for folder in self.folder.glob(f"{SCRATCH}*") if written(folder) < before.timestamp()]

    def keep(self, session: Session, wav: Path, wideband: Path | None = None) -> Media:
        """Move a WAV file, and its 16 kHz form if there is one, into the store and return the row.

        The same content is stored once. The files are in place before the row is committed: a crash in between leaves
        a file without a row, never a row without its file.
        """
        with wave.open(str(wav), "rb") as sound:
            seconds = sound.getnframes() / sound.getframerate()
        media = self._row(session, wav, ".wav", seconds)
        if wideband is not None:
            _move(wideband, self.path(media).with_suffix(".wav16"))
        _move(wav, self.path(media))
        return media

    def keep_original(self, session: Session, file: Path, suffix: str, seconds: float) -> Media:
        """Copy an uploaded file into the store; `suffix` (".mp3") is used for downloads."""
        clean = suffix.lower() if suffix[1:].isalnum() and len(suffix) <= 8 else ".bin"
        media = self._row(session, file, f".original{clean}"[:12], seconds)
        copy = self.path(media).with_suffix(".part")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
        _move(copy, self.path(media))
        return media

    def discard(self, session: Session, unused: Sequence[Media]) -> int:
        """Delete unreferenced rows, and their files after the commit; return the number of files."""
        files = [
            (file, file.stat().st_ino)
            for media in unused
            for file in (self.path(media), self.path(media).with_suffix(".wav16"))
            if file.exists()
        ]
        for media in unused:
            session.delete(media)
        session.flush()

        def unlink(_: Session) -> None:
            for file, inode in files:
                with contextlib.suppress(FileNotFoundError):
                    if file.stat().st_ino == inode:  # otherwise the same content was stored again since
                        file.unlink()

        if files:
            sa.event.listen(session, "after_commit", unlink, once=True)
        return len(files)

    def _row(self, session: Session, file: Path, suffix: str, seconds: float) -> Media:
        digest = digest_of(file)
        media = session.scalar(sa.select(Media).where(Media.sha256 == digest))
        if media is None:
            media = Media(sha256=digest, bytes=file.stat().st_size, seconds=round(seconds, 3), suffix=suffix)
            session.add(media)
            session.flush()
        return media


def unnamed(session: Session, among: Collection[int] | None = None) -> list[Media]:
    """Return the rows that no foreign key of the database references; only those `among` these ids, if given."""
    tables = sa.inspect(session.connection())
    columns = [
        sa.select(sa.column(key["constrained_columns"][0], type_=sa.Integer).label("id")).select_from(sa.table(table))
        for table in tables.get_table_names()
        for key in tables.get_foreign_keys(table)
        if key["referred_table"] == Media.__tablename__
    ]
    query = sa.select(Media).where(
        *(~sa.exists().where(named.c.id == Media.id) for named in (one.subquery() for one in columns))
    )
    if among is not None:
        query = query.where(Media.id.in_(among))
    return list(session.scalars(query))


def digest_of(file: Path) -> str:
    """Return the SHA-256 digest of a file, as the store names it."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _move(file: Path, target: Path) -> None:
    """Move a file so that a power cut leaves either all of it or nothing."""
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
