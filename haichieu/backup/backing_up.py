"""Making a backup while the station runs.

What is not in the database yet is copied first, then the database, then the media that this copy names: so whatever was
filed in between is contained at least once, and the intake files it once. Media never change, but retention may delete
them: they are linked into a folder of the backup at once, and it starts over if one was deleted before that.
"""

import contextlib
import datetime
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu import VERSION, audit
from haichieu.backup.archive import DATABASE, MANIFEST, SETTINGS, ArchiveWriter, Manifest, writing
from haichieu.backup.database_copy import copy_out, digests_of_media, name_of_station, revision_of
from haichieu.backup.errors import BackupFailed
from haichieu.database import Database, newest_revision, now
from haichieu.errors import message_of
from haichieu.media import Media
from haichieu.settings import Settings
from haichieu.station_keys import check_keys

SUBJECT = "backup"
"""Subject of the entries about backups in the audit trail."""
_WORK = "backup.part"
_TRIES = 3
FOLDERS_TO_COPY = ("secrets", "spool", "map")
_NOT_LEFT = "spool/tmp/"
"""Asterisk's own temporary files."""


@dataclass(frozen=True)
class BackupMade:
    """A finished backup."""

    file: Path
    bytes: int
    media: int
    missing: tuple[str, ...]
    """Media that the database names and that were already lost before."""
    encrypted: bool


@dataclass(frozen=True)
class _Contents:
    """The files of a backup by the name of their member, all in the work folder, where nothing changes them."""

    files: dict[str, Path]
    media: int
    missing: tuple[str, ...]

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.files.values())


def make_backup(
    database: Database,
    settings: Settings,
    target: Path,
    passphrase: str,
    actor: str,
    proceed: Callable[[], None] = lambda: None,
) -> BackupMade:
    """Write a backup of the station to `target` (mode 0600), which is replaced at the end, and record it.

    `proceed` is called often and may raise to stop. Raises BackupFailed; nothing is left behind then.
    """
    home = settings.home.absolute()
    if database.is_sqlite and not Path(database.url.database or "").exists():
        raise BackupFailed("backup.no_station", home=home)
    if target.is_dir() or not target.absolute().parent.is_dir():
        raise BackupFailed("backup.no_folder", file=target)
    try:
        with _work_folder(home / "media") as work:
            contents = _collect(database, home, work, proceed)
            manifest = _manifest(database, contents, work)
            is_current = manifest.revision == newest_revision()  # a newer program may make one before an upgrade
            if is_current:
                check_keys(home, database.engine)  # without them the backup would be of no use
            _require_space(target.absolute().parent, contents.size(), settings.min_free_megabytes)
            size = _write(contents, manifest, target, passphrase, proceed)
    except (OSError, sqlite3.Error, sa.exc.SQLAlchemyError) as problem:
        raise BackupFailed("backup.failed", file=target, why=message_of(problem)) from problem
    made = BackupMade(target, size, contents.media, contents.missing, bool(passphrase))
    if is_current:
        with database.session() as session:
            audit.record(session, actor, "backup.make", SUBJECT, bytes=size, encrypted=made.encrypted)
    return made


def last_backup(session: Session) -> datetime.datetime | None:
    """Return when the newest backup was made, None when there never was one."""
    return session.scalar(
        sa.select(audit.AuditEntry.at)
        .where(audit.AuditEntry.subject == SUBJECT, audit.AuditEntry.action == "backup.make")
        .order_by(audit.AuditEntry.id.desc())
        .limit(1)
    )


@contextlib.contextmanager
def _work_folder(media: Path) -> Iterator[Path]:
    """Yield an empty folder on the disk of the media. Raises BackupFailed while another backup has it."""
    media.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(media, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        os.close(descriptor)
        raise BackupFailed("backup.another_runs") from problem
    work = media / _WORK
    try:
        shutil.rmtree(work, ignore_errors=True)  # of one that was killed
        work.mkdir()
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(descriptor)


def _collect(database: Database, home: Path, work: Path, proceed: Callable[[], None]) -> _Contents:
    files: dict[str, Path] = {}
    for folder in FOLDERS_TO_COPY:
        files |= _copy(home, home / folder, work)
    files |= _copy(home, home / SETTINGS, work)
    copy = work / DATABASE
    for _ in range(_TRIES):
        copy.unlink(missing_ok=True)
        copy_out(database, copy, proceed)
        media, missing = _link_media(home / "media", digests_of_media(copy), work, proceed)
        if not _deleted_since(database, missing):
            return _Contents({DATABASE: copy, **files, **media}, len(media), tuple(sorted(missing)))
    raise BackupFailed("backup.media_change")


def _copy(home: Path, of: Path, work: Path) -> dict[str, Path]:
    """Copy a file or the files of a folder, which may grow or disappear meanwhile; return them by member."""
    files = {}
    for path in (of, *sorted(of.rglob("*"))):
        name = str(path.relative_to(home))
        if path.is_symlink() or not path.is_file() or path.name.startswith(".") or name.startswith(_NOT_LEFT):
            continue
        target = work / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # filed since: it is in the database
            shutil.copy2(path, target)
            files[name] = target
    return files


def _link_media(
    store: Path, digests: set[str], work: Path, proceed: Callable[[], None]
) -> tuple[dict[str, Path], set[str]]:
    """Link every file of these media, so that it outlives its deletion; return them and the digests without any."""
    linked: dict[str, Path] = {}
    found = set()
    for folder in sorted(store.glob("??")):
        proceed()
        for path in folder.iterdir():
            digest = path.name.partition(".")[0]
            if digest not in digests or path.suffix == ".part":
                continue
            link = work / "media" / folder.name / path.name
            link.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                link.hardlink_to(path)
            if link.exists():
                linked[f"media/{folder.name}/{path.name}"] = link
                found.add(digest)
    return linked, digests - found


def _deleted_since(database: Database, digests: set[str]) -> bool:
    """Return whether the station deleted one of these media, instead of having lost its file."""
    if not digests:
        return False
    with database.reading() as session:
        known = set(session.scalars(sa.select(Media.sha256)))
    return bool(digests - known)


def _manifest(database: Database, contents: _Contents, work: Path) -> Manifest:
    return Manifest(
        version=VERSION,
        revision=revision_of(work / DATABASE),
        database="sqlite" if database.is_sqlite else "postgresql",
        station=name_of_station(work / DATABASE),
        made_at=now().isoformat(timespec="seconds"),
        bytes=contents.size(),
        missing=list(contents.missing),
    )


def _require_space(folder: Path, needed: int, reserve_megabytes: int) -> None:
    free = shutil.disk_usage(folder).free - reserve_megabytes * 1_000_000
    if free < needed:
        raise BackupFailed(
            "backup.no_space", folder=folder, free=max(free, 0) // 1_000_000, needed=needed // 1_000_000 + 1
        )


def _write(contents: _Contents, manifest: Manifest, target: Path, passphrase: str, proceed: Callable[[], None]) -> int:
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with writing(file, passphrase, proceed) as archive:
                _add_all(archive, manifest, contents)
            file.flush()
            os.fsync(file.fileno())
            size = os.fstat(file.fileno()).st_size
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(target.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return size


def _add_all(archive: ArchiveWriter, manifest: Manifest, contents: _Contents) -> None:
    archive.add_text(MANIFEST, manifest.model_dump_json(indent=1))
    for name, path in contents.files.items():
        archive.add_file(name, path)
