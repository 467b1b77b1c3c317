"""Media store: sound files named by the digest of their content, each with a row."""

import contextlib
import datetime
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu.audio.sound import whole_seconds
from haichieu.audio.synthetic_mark import read_mark
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
    wideband_sha256: Mapped[str] = mapped_column(sa.String(64), default="")
    """The digest of its 16 kHz form; "" if it has none, or was stored before these had digests."""
    wideband_bytes: Mapped[int] = mapped_column(default=0)
    synthetic: Mapped[str] = mapped_column(sa.String(200), default="")
    """The voice that the mark in the file names; "" for a human recording."""
    created_at: Mapped[datetime.datetime] = mapped_column(default=now)


@dataclass(frozen=True)
class Stored:
    """A sound in the store whose row is still to be added; `file` and `wideband` are where it came from."""

    sha256: str
    bytes: int
    seconds: float
    suffix: str
    file: Path
    wideband: Path | None
    synthetic: str = ""
    wideband_sha256: str = ""
    wideband_bytes: int = 0


@dataclass(frozen=True)
class Part:
    """One of the files of a row, with its digest and size."""

    path: Path
    sha256: str
    bytes: int


class MediaStore:
    """The folder `<home>/media`, with files named by their SHA-256 digest.

    A sound to be played is a pair, `<digest>.wav` (8 kHz) and `<digest>.wav16` (16 kHz): given the path without
    extension, Asterisk takes the file that suits the call. A recording of a broadcast has only the first.
    """

    def __init__(self, folder: Path, min_free_megabytes: int, fetch: Callable[[Media], None] = lambda _: None) -> None:
        """`fetch` brings the files of a row that are missing here from elsewhere, as far as it can; it may block."""
        self.folder = folder
        self._min_free = min_free_megabytes * 1_000_000
        self._fetch = fetch

    def path(self, media: Media) -> Path:
        """Return the file of a row, fetched from another node if it is missing here and there is one."""
        if not (path := self.place(media)).exists():
            self._fetch(media)
        return path

    def place(self, media: Media) -> Path:
        """Return where the file of a row is, or would be."""
        return self.folder / media.sha256[:2] / f"{media.sha256}{media.suffix}"

    def missing(self, media: Media) -> list[Part]:
        """Return the files of a row that are not here."""
        whole = [Part(self.place(media), media.sha256, media.bytes)]
        if media.wideband_sha256:
            wide = self.place(media).with_suffix(".wav16")
            whole.append(Part(wide, media.wideband_sha256, media.wideband_bytes))
        return [part for part in whole if not part.path.exists()]

    def require_space(self, claimed: int = 0) -> None:
        """Raise DiskFull when less than the configured space is free beside `claimed` bytes for work in progress."""
        self.folder.mkdir(parents=True, exist_ok=True)
        free = max(0, shutil.disk_usage(self.folder).free - claimed)
        if free < self._min_free:
            raise DiskFull(
                "base.disk_full",
                free=free // 1_000_000,
                needed=self._min_free // 1_000_000,
                folder=self.folder,
            )

    def scratch(self) -> tempfile.TemporaryDirectory[str]:
        """Return a temporary folder on the disk of the store, so that storing a sound copies nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=SCRATCH, dir=self.folder)

    def abandoned_scratch(self, before: datetime.datetime) -> list[Path]:
        """Return the scratch folders without a write since `before`: their processes were killed."""

        def written(folder: Path) -> float:
            return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))

        return [folder for folder in self.folder.glob(f"{SCRATCH}*") if written(folder) < before.timestamp()]

    def put(self, wav: Path, wideband: Path | None = None) -> Stored:
        """Put a WAV file, and its 16 kHz form if there is one, into the store; `add` makes its row.

        Hashing and syncing a long sound takes seconds: call it outside of transactions. The files are in place before
        the row is committed: a crash in between leaves a file without a row, never a row without its file. The given
        files must stay until then. Raises UnreadableSound for a file that is empty or cut off.
        """
        seconds = whole_seconds(wav)
        if wideband is not None:
            whole_seconds(wideband)
        return self._put(wav, ".wav", seconds, wideband)

    def put_original(self, file: Path, suffix: str, seconds: float) -> Stored:
        """Put a copy of an uploaded file into the store, as `put` does; `suffix` (".mp3") is used for downloads."""
        clean = suffix.lower() if suffix[1:].isalnum() and len(suffix) <= 8 else ".bin"
        return self._put(file, f".original{clean}"[:12], seconds)

    def add(self, session: Session, stored: Stored) -> Media:
        """Return the row of a sound that is in the store; the same content is stored once."""
        media = session.scalar(sa.select(Media).where(Media.sha256 == stored.sha256))
        if media is None:
            media = Media(
                sha256=stored.sha256,
                bytes=stored.bytes,
                seconds=stored.seconds,
                suffix=stored.suffix,
                synthetic=stored.synthetic,
                wideband_sha256=stored.wideband_sha256,
                wideband_bytes=stored.wideband_bytes,
            )
            session.add(media)
            session.flush()
        for file, target in self._targets(stored):
            try:
                os.utime(target)  # a concurrent `discard` of the same content sees that it is in use again
            except FileNotFoundError:
                _place(file, target)
        return media

    def discard(self, session: Session, unused: Sequence[Media]) -> int:
        """Delete unreferenced rows, and their files after the commit; return the number of files."""
        files = [
            (file, _mark_of(file))
            for media in unused
            for file in (self.place(media), self.place(media).with_suffix(".wav16"))
            if file.exists()
        ]
        for media in unused:
            session.delete(media)
        session.flush()

        def unlink(_: Session) -> None:
            for file, mark in files:
                with contextlib.suppress(FileNotFoundError):
                    if _mark_of(file) == mark:  # otherwise the same content was stored again since
                        file.unlink()

        if files:
            sa.event.listen(session, "after_commit", unlink, once=True)
        return len(files)

    def _put(self, file: Path, suffix: str, seconds: float, wideband: Path | None = None) -> Stored:
        mark = read_mark(file)
        stored = Stored(
            digest_of(file),
            file.stat().st_size,
            round(seconds, 3),
            suffix,
            file,
            wideband,
            mark.voice if mark else "",
            digest_of(wideband) if wideband else "",
            wideband.stat().st_size if wideband else 0,
        )
        for source, target in self._targets(stored):
            _place(source, target)
        return stored

    def _targets(self, stored: Stored) -> list[tuple[Path, Path]]:
        narrow = self.folder / stored.sha256[:2] / f"{stored.sha256}{stored.suffix}"
        wide = [(stored.wideband, narrow.with_suffix(".wav16"))] if stored.wideband else []
        return [*wide, (stored.file, narrow)]


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


def _mark_of(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_ino, found.st_mtime_ns


def _place(file: Path, target: Path) -> None:
    """Copy a file so that a power cut leaves either all of it or nothing.

    A link would save the copy, but the store would then change with every later write to the given file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=target.parent.parent) as folder:
        near = Path(folder) / "part"
        shutil.copyfile(file, near)
        with near.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(near, target)
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
