"""Restoring a backup into a station that is stopped.

Everything is unpacked and verified in a folder of the home, and the database migrated there. Only then does it take the
place of what the home has, which is moved aside.
"""

import datetime
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from haichieu import audit
from haichieu.backup.archive import DATABASE, FOLDERS, SETTINGS, Manifest, unpack
from haichieu.backup.backing_up import SUBJECT
from haichieu.backup.database_copy import copy_in, digests_of_media, has_rows, is_whole, revision_of, without_heartbeats
from haichieu.backup.errors import BackupDamaged, BackupFailed, HomeNotEmpty
from haichieu.database import Database, known_revisions, migrate, now
from haichieu.errors import SettingsError, message_of
from haichieu.heartbeats import is_anything_alive
from haichieu.home import UNFINISHED, HomeInUse, alone_in_home
from haichieu.settings import Settings, load_settings
from haichieu.station_keys import check_keys

_WORK = "restore.part"
_SIDE_FILES = ("-wal", "-shm", "-journal")
"""Endings of the files beside a SQLite database, which belong to it alone."""


@dataclass(frozen=True)
class Restored:
    """A finished restore."""

    manifest: Manifest
    former: Path | None
    """The folder with what was replaced, if anything was."""
    settings: Path | None
    """The settings of the backup, where they were not put in use: the station has its own, or another database."""


def restore_backup(settings: Settings, file: Path, passphrase: str, *, replace: bool, actor: str) -> Restored:
    """Restore a station from a backup; unless `replace`, the station must be empty.

    Raises HomeInUse while it runs, HomeNotEmpty, BackupDamaged, PassphraseNeeded, KeyDoesNotFit, or BackupFailed; the
    station is unchanged then.
    """
    home = settings.home.absolute()
    with alone_in_home(home):
        work = home / _WORK
        shutil.rmtree(work, ignore_errors=True)  # of one that was killed
        try:
            return _Restore(settings, work, replace=replace, actor=actor).run(file, passphrase)
        except (OSError, sqlite3.Error, sa.exc.SQLAlchemyError) as problem:
            raise BackupFailed("backup.not_restored", file=file, why=message_of(problem)) from problem
        finally:
            shutil.rmtree(work, ignore_errors=True)


class _Restore:
    def __init__(self, settings: Settings, work: Path, *, replace: bool, actor: str) -> None:
        self._settings = settings
        self._home = settings.home.absolute()
        self._work = work
        self._replace = replace
        self._actor = actor
        self._url = sa.make_url(settings.resolved_database_url)
        self._is_sqlite = self._url.get_backend_name() == "sqlite"

    def run(self, file: Path, passphrase: str) -> Restored:
        self._require_target()
        self._work.mkdir()
        manifest = unpack(file, passphrase, self._work, self._accept)
        self._verify(manifest)
        settings = self._settings_in_the_way()
        former = self._put_in_place()
        database = Database(self._settings.resolved_database_url)
        try:
            with database.session() as session:
                audit.record(session, self._actor, "backup.restore", SUBJECT, made_at=manifest.made_at)
        finally:
            database.close()
        return Restored(manifest, former, settings)

    def _require_target(self) -> None:
        """Refuse a station that runs, also on another machine with the same database, or that has data."""
        occupied = any((self._home / name).exists() for name in FOLDERS)
        if self._is_sqlite:
            occupied = occupied or self._database_file().exists()
        else:
            migrate(self._settings.resolved_database_url)
            database = Database(self._settings.resolved_database_url)
            try:
                with database.reading() as session:
                    if is_anything_alive(session, now()):
                        raise HomeInUse("base.home.running", home=self._home)
                occupied = occupied or has_rows(database)
            finally:
                database.close()
        if (occupied or (self._home / UNFINISHED).exists()) and not self._replace:
            raise HomeNotEmpty("backup.not_empty", home=self._home)

    def _accept(self, manifest: Manifest) -> None:
        if manifest.format != 1 or manifest.revision not in known_revisions():
            raise BackupFailed("backup.newer", version=manifest.version)
        free = shutil.disk_usage(self._home).free - self._settings.min_free_megabytes * 1_000_000
        if free < manifest.bytes:
            raise BackupFailed(
                "backup.no_space",
                folder=self._home,
                free=max(free, 0) // 1_000_000,
                needed=manifest.bytes // 1_000_000 + 1,
            )

    def _verify(self, manifest: Manifest) -> None:
        """Raise BackupDamaged or KeyDoesNotFit; migrate the database of the backup to this version."""
        copy = self._work / DATABASE
        if not is_whole(copy) or revision_of(copy) != manifest.revision:
            raise BackupDamaged("backup.damaged")
        files = {path.name.partition(".")[0] for path in (self._work / "media").glob("??/*")}
        if digests_of_media(copy) - files - set(manifest.missing):
            raise BackupDamaged("backup.damaged")
        url = f"sqlite:///{copy}"
        migrate(url)
        database = Database(url)
        try:
            check_keys(self._work, database.engine)
        finally:
            database.close()
        without_heartbeats(copy)

    def _settings_in_the_way(self) -> Path | None:
        """Put the settings of the backup aside when the station has its own, or when they name another database."""
        found = self._work / SETTINGS
        if not found.exists():
            return None
        there = self._home / SETTINGS
        if not there.exists() and self._names_this_database(found):
            return None
        aside = self._home / f"{SETTINGS}.from-backup"
        found.replace(aside)
        return aside

    def _names_this_database(self, file: Path) -> bool:
        try:
            theirs = load_settings(home=file.parent).database_url
        except SettingsError:  # of another version
            return False
        return theirs in ("", self._settings.database_url)

    def _put_in_place(self) -> Path | None:
        """Replace database and files; a station that finds the mark of an unfinished restore does not start."""
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
        former = self._home / f"before-restore-{stamp}"
        unfinished = self._home / UNFINISHED
        again = unfinished.exists()
        unfinished.touch()
        if not self._is_sqlite:
            database = Database(self._settings.resolved_database_url)
            try:
                copy_in(self._work / DATABASE, database)
            except BaseException:
                if not again:  # nothing has changed
                    unfinished.unlink()
                raise
            finally:
                database.close()
            (self._work / DATABASE).unlink()
        for there in self._replaced():
            former.mkdir(exist_ok=True)
            shutil.move(there, former / there.name)
        for name in (*FOLDERS, SETTINGS):
            if (self._work / name).exists():
                shutil.move(self._work / name, self._home / name)
        if self._is_sqlite:
            self._database_file().parent.mkdir(parents=True, exist_ok=True)
            shutil.move(self._work / DATABASE, self._database_file())
        os.sync()
        unfinished.unlink()
        return former if former.exists() else None

    def _replaced(self) -> Iterator[Path]:
        """Yield what exists of the files and folders that a restore replaces."""
        ours = [self._home / name for name in FOLDERS]
        if self._is_sqlite:
            file = self._database_file()
            ours += [file, *(file.with_name(file.name + ending) for ending in _SIDE_FILES)]
        return (path for path in ours if path.exists())

    def _database_file(self) -> Path:
        return Path(self._url.database or "").absolute()
