"""Backup of a station and its restore: what is in the file, what is refused, and what is left behind."""

import datetime
import itertools
import shutil
import sqlite3
import stat
import tomllib
import wave
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.station_book.models import BookBudget, BookDevice
from feedback.citizens.registry import open_citizens
from haichieu import VERSION, audit
from haichieu.backup import backing_up, encryption, restoring
from haichieu.backup.backing_up import BackupMade, last_backup, make_backup
from haichieu.backup.database_copy import revision_of
from haichieu.backup.errors import BackupDamaged, BackupFailed, HomeNotEmpty, PassphraseNeeded
from haichieu.backup.restoring import Restored, restore_backup
from haichieu.database import Base, Database, migrate, newest_revision, now
from haichieu.heartbeats import Heartbeat, beat
from haichieu.home import UNFINISHED, HomeInUse, enter_home
from haichieu.media import Media, MediaStore
from haichieu.people import Unit
from haichieu.settings import Settings, load_settings
from haichieu.sip.models import Phone
from haichieu.station_keys import KeyDoesNotFit
from haichieu.vault import open_vault
from tests.builders.sounds import kept
from tests.postgres import PostgresCluster

NUMBER = "+84912345678"
PASSPHRASE = "một cụm từ đủ dài"


@pytest.fixture(autouse=True)
def quick_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "_COST", 2)


class Home:
    """A station that does not run: a unit and its book, a phone, a citizen, a recording, and a message in the spool."""

    def __init__(self, home: Path, database: Database) -> None:
        self.path, self.database = home, database
        self.settings = settings_of(home, database)
        self.store = MediaStore(home / "media", 0)
        with database.session() as session:
            unit = Unit(code="BL", name="Bảo Lạc", level="commune")
            session.add(unit)
            session.flush()
            device = {"code": "007", "name": "Loa", "device_kind": "horn", "condition": "good"}
            session.add(BookDevice(unit_id=unit.id, sim_until=datetime.date(2027, 3, 5), **device))
            session.add(BookBudget(unit_id=unit.id, year=2027, fund="local", purpose="other", spent=10**13))
            locked = open_vault(home).lock("secret")
            session.add(Phone(code="p", name="p", password_locked=locked, caller_number="101"))
            open_citizens(home).meet(session, NUMBER, now())
            beat(session, "worker")
            audit.record(session, "test", "apply.add", "units:BL", name="Bảo Lạc")
            self.recording = self.store.path(self.record(session, b"\1\2" * 800))
        left = home / "spool" / "messages" / "left-1.2.wav"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"spoken")
        (home / "spool" / "tmp").mkdir()
        (home / "spool" / "tmp" / "x").touch()

    def record(self, session: sa.orm.Session, frames: bytes) -> Media:
        wav = self.path / "new.wav"
        with wave.open(str(wav), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes(frames)
        return kept(session, self.store, wav)

    def back_up(self, file: Path, passphrase: str = "") -> BackupMade:
        return make_backup(self.database, self.settings, file, passphrase, "test")


def settings_of(home: Path, database: Database | None = None, **given: object) -> Settings:
    url = {"database_url": database.url.render_as_string(hide_password=False)} if database else {}
    return load_settings(home=home, min_free_megabytes=0, **url, **given)


@pytest.fixture
def station(database: Database, tmp_path: Path) -> Home:
    return Home(tmp_path / "home", database)


@pytest.fixture
def other(tmp_path: Path) -> Settings:
    """An empty home on SQLite."""
    return settings_of(tmp_path / "other")


def restore(settings: Settings, file: Path, passphrase: str = "", *, replace: bool = False) -> Restored:
    return restore_backup(settings, file, passphrase, replace=replace, actor="test")


def rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the database by table, as Python sees it."""
    with database.reading() as session:
        return {
            name: sorted((tuple(row) for row in session.execute(sa.select(table))), key=repr)
            for name, table in Base.metadata.tables.items()
            if name not in ("heartbeats", "audit_entries")
        }


def test_manifest_names_the_version_of_the_program() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


@pytest.mark.both_databases
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_restored_station_has_everything(station: Home, other: Settings, tmp_path: Path, passphrase: str) -> None:
    file = tmp_path / "a.backup"
    made = station.back_up(file, passphrase)
    assert (made.media, made.missing, made.encrypted) == (1, (), bool(passphrase))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    restored = restore(other, file, passphrase)
    assert (restored.former, restored.settings) == (None, None)
    home = other.home
    assert (home / station.recording.relative_to(station.path)).read_bytes() == station.recording.read_bytes()
    assert (home / "spool" / "messages" / "left-1.2.wav").read_bytes() == b"spoken"
    assert sorted(path.name for path in home.iterdir()) == ["haichieu.sqlite", "media", "secrets", "spool"]
    database = Database(other.resolved_database_url)
    assert rows(database) == rows(station.database)
    with database.session() as session:
        assert audit.verify(session).broken_at is None
        assert session.scalars(sa.select(Heartbeat)).all() == []
        found = open_citizens(home).find(session, NUMBER)
        assert found is not None
        assert open_citizens(home).number_of(found) == NUMBER
        session.add(Unit(code="CB", name="Cô Ba", level="commune"))
    database.close()
    with station.database.session() as session:
        assert last_backup(session) is not None


def test_backup_moves_between_kinds_of_databases(
    station: Home, postgres_cluster: PostgresCluster, tmp_path: Path
) -> None:
    file = tmp_path / "a.backup"
    with station.database.session() as session:  # a row may refer to a later one
        parent = Unit(code="CB", name="Cô Ba", level="commune")
        session.add(parent)
        session.flush()
        session.scalars(sa.select(Unit).where(Unit.code == "BL")).one().parent_id = parent.id
    station.back_up(file)
    with postgres_cluster.database() as url:
        settings = settings_of(tmp_path / "other", database_url=url)
        database = Database(url)
        restore(settings, file)
        assert rows(database) == rows(station.database)
        with pytest.raises(HomeNotEmpty):
            restore(settings, file)
        with database.session() as session:
            session.add(Unit(code="XT", name="Xuân Trường", level="commune"))
            assert audit.verify(session).broken_at is None
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.session() as session:
            session.execute(sa.delete(audit.AuditEntry))
        restore(settings, file, replace=True)
        assert rows(database) == rows(station.database)
        with database.session() as session:
            beat(session, "worker")
        with pytest.raises(HomeInUse):
            restore(settings, file, replace=True)
        database.close()


def test_restore_refuses_a_running_station(station: Home, other: Settings, tmp_path: Path) -> None:
    station.back_up(tmp_path / "a.backup")
    lock = enter_home(other.home)
    with pytest.raises(HomeInUse, match="Stop the station"):
        restore(other, tmp_path / "a.backup", replace=True)
    lock.close()


def test_replaced_data_is_moved_aside(station: Home, other: Settings, tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    station.back_up(file)
    restore(other, file)
    (other.home / "media" / "mine").touch()
    (other.home / "haichieu.sqlite-wal").write_bytes(b"of the former database")
    with pytest.raises(HomeNotEmpty, match="--replace"):
        restore(other, file)
    former = restore(other, file, replace=True).former
    assert former is not None
    assert {path.name for path in former.iterdir()} >= {"haichieu.sqlite", "haichieu.sqlite-wal", "media", "secrets"}
    assert not (other.home / "media" / "mine").exists()
    assert not (other.home / "haichieu.sqlite-wal").exists()


def test_settings_are_restored_unless_the_station_has_its_own(station: Home, tmp_path: Path) -> None:
    (station.path / "haichieu.toml").write_text("sip_port = 5070\n")
    file = tmp_path / "a.backup"
    station.back_up(file)
    first, second, third = (settings_of(tmp_path / name) for name in ("first", "second", "third"))
    assert restore(first, file).settings is None
    assert load_settings(home=first.home).sip_port == 5070
    second.home.mkdir()
    (second.home / "haichieu.toml").write_text("sip_port = 5080\n")
    assert restore(second, file).settings == second.home / "haichieu.toml.from-backup"
    assert load_settings(home=second.home).sip_port == 5080
    (station.path / "haichieu.toml").write_text("database_url = 'postgresql://elsewhere/x'\n")
    station.back_up(file)
    assert restore(third, file).settings == third.home / "haichieu.toml.from-backup"
    assert load_settings(home=third.home).database_url == ""


def test_refused_backup_leaves_nothing_behind(station: Home, other: Settings, tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    station.back_up(file)
    damaged = tmp_path / "b.backup"
    damaged.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(BackupDamaged):
        restore(other, damaged)
    assert list(other.home.iterdir()) == []


def test_key_that_does_not_fit_is_refused(station: Home, other: Settings, tmp_path: Path) -> None:
    file, secrets = tmp_path / "a.backup", station.path / "secrets"
    shutil.move(secrets, tmp_path / "secrets")
    open_citizens(station.path)
    with pytest.raises(KeyDoesNotFit):
        station.back_up(file)
    assert not file.exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backing_up, "check_keys", lambda *_: None)
        station.back_up(file)
    with pytest.raises(KeyDoesNotFit):
        restore(other, file)
    assert list(other.home.iterdir()) == []


def test_newer_schema_is_refused(station: Home, other: Settings, tmp_path: Path) -> None:
    def become(version: str) -> None:
        with station.database.session() as session:
            session.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})

    def move() -> None:
        station.back_up(tmp_path / "a.backup")  # PostgreSQL's copy notices before it is made
        restore(other, tmp_path / "a.backup")

    become("9999")
    try:
        with pytest.raises(BackupFailed, match="newer"):
            move()
    finally:
        become(newest_revision())  # the next test may use the same database


def test_older_schema_is_backed_up_as_it_is_and_migrated_when_restored(other: Settings, tmp_path: Path) -> None:
    old = settings_of(tmp_path / "old")
    migrate(old.resolved_database_url, "0003")
    database = Database(old.resolved_database_url)
    make_backup(database, old, tmp_path / "a.backup", "", "test")
    database.close()
    assert revision_of(old.home / "haichieu.sqlite") == "0003"
    restore(other, tmp_path / "a.backup")
    assert revision_of(other.home / "haichieu.sqlite") == newest_revision()


def test_media_deleted_during_a_backup_are_in_it_or_in_no_row(
    station: Home, other: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = []

    def copy_then_delete(database: Database, target: Path, proceed: object) -> None:
        copy_out(database, target, lambda: None)
        copies.append(target)
        if len(copies) == 1:
            with database.session() as session:
                station.store.discard(session, session.scalars(sa.select(Media)).all())

    copy_out = backing_up.copy_out
    monkeypatch.setattr(backing_up, "copy_out", copy_then_delete)
    made = station.back_up(tmp_path / "a.backup")
    assert (len(copies), made.media, made.missing) == (2, 0, ())
    restore(other, tmp_path / "a.backup")


def test_media_that_are_deleted_later_are_in_the_backup(
    station: Home, other: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete_first(*arguments: object) -> int:
        with station.database.session() as session:
            station.store.discard(session, session.scalars(sa.select(Media)).all())
        assert not station.recording.exists()
        return write(*arguments)  # type: ignore[arg-type]

    write = backing_up._write
    monkeypatch.setattr(backing_up, "_write", delete_first)
    assert station.back_up(tmp_path / "a.backup").media == 1
    restore(other, tmp_path / "a.backup")
    assert (other.home / station.recording.relative_to(station.path)).exists()


def test_lost_media_do_not_prevent_a_backup_but_are_named(station: Home, other: Settings, tmp_path: Path) -> None:
    station.recording.unlink()
    made = station.back_up(tmp_path / "a.backup")
    assert made.missing == (station.recording.stem,)
    assert restore(other, tmp_path / "a.backup").manifest.missing == [station.recording.stem]


def test_failed_backup_leaves_nothing_and_the_former_file(
    station: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backups" / "a.backup"
    with pytest.raises(BackupFailed, match="folder"):
        station.back_up(file)
    file.parent.mkdir()
    file.write_bytes(b"the former one")
    monkeypatch.setattr(backing_up.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(BackupFailed, match="No space left"):
        station.back_up(file)
    assert file.read_bytes() == b"the former one"
    assert list(file.parent.iterdir()) == [file]
    assert not (station.path / "media" / "backup.part").exists()


@pytest.mark.parametrize("step", [1, 3])
def test_backup_that_is_stopped_leaves_nothing(station: Home, tmp_path: Path, step: int) -> None:
    steps = itertools.count(1)

    def proceed() -> None:
        if next(steps) == step:
            raise BackupFailed("backup.stopped")

    (tmp_path / "backups").mkdir()
    with pytest.raises(BackupFailed, match="stopped"):
        make_backup(station.database, station.settings, tmp_path / "backups" / "a", "", "test", proceed)
    assert list((tmp_path / "backups").iterdir()) == []
    assert not (station.path / "media" / "backup.part").exists()


def test_disk_without_room_is_refused_beforehand(station: Home, tmp_path: Path) -> None:
    settings = station.settings.model_copy(update={"min_free_megabytes": 10**9})
    with pytest.raises(BackupFailed, match="Too little space"):
        make_backup(station.database, settings, tmp_path / "a.backup", "", "test")


def test_second_backup_at_the_same_time_is_refused(station: Home, tmp_path: Path) -> None:
    with backing_up._work_folder(station.path / "media"), pytest.raises(BackupFailed, match="Another backup"):
        station.back_up(tmp_path / "a.backup")


def test_home_without_a_station_is_not_backed_up(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "empty")
    with pytest.raises(BackupFailed, match="no station"):
        make_backup(Database(settings.resolved_database_url), settings, tmp_path / "a.backup", "", "test")


def test_interrupted_restore_is_noticed_and_can_be_repeated(
    station: Home, other: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.back_up(tmp_path / "a.backup")
    with monkeypatch.context() as patch:
        patch.setattr(restoring.os, "sync", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            restore(other, tmp_path / "a.backup")
    assert (other.home / UNFINISHED).exists()
    with pytest.raises(HomeInUse):
        enter_home(other.home)
    restore(other, tmp_path / "a.backup", replace=True)
    enter_home(other.home).close()


def test_passphrase_is_needed_and_must_be_right(station: Home, other: Settings, tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    station.back_up(file, PASSPHRASE)
    assert b"sqlite" not in file.read_bytes()
    for passphrase in ("", "wrong passphrase"):
        with pytest.raises(PassphraseNeeded):
            restore(other, file, passphrase)


def test_write_during_a_copy_is_wholly_in_it_or_not_at_all(station: Home, tmp_path: Path) -> None:
    with station.database.session() as session:
        session.add(Unit(code="CB", name="Cô Ba", level="commune"))
        session.flush()
        backing_up.copy_out(station.database, tmp_path / "copy.sqlite", lambda: None)
    with sqlite3.connect(tmp_path / "copy.sqlite") as copy:
        assert copy.execute("SELECT code FROM units").fetchall() == [("BL",)]
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    copy.close()
