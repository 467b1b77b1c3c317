"""The home of a station: permissions of its files, and its use by several processes or by one restore."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from haichieu.home import UNFINISHED, HomeInUse, alone_in_home, enter_home
from haichieu.processes.opened_station import open_station
from haichieu.settings import load_settings


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """The permissions that most systems give new files, and those of the other tests afterwards."""
    former = os.umask(0o022)
    yield
    os.umask(former)


def open_to_others(home: Path) -> list[Path]:
    return [path for path in (home, *home.rglob("*")) if not path.is_symlink() and path.stat().st_mode & 0o077]


def test_what_a_station_writes_is_private(tmp_path: Path, migrated_sqlite: Path) -> None:
    settings = load_settings(home=tmp_path / "home")
    settings.home.mkdir()
    shutil.copyfile(migrated_sqlite, settings.home / "haichieu.sqlite")
    station = open_station(settings)
    with station.database.session():
        assert list(settings.home.glob("haichieu.sqlite*"))
    with station.media.scratch() as folder:
        (Path(folder) / "voice.wav").touch()
        assert open_to_others(settings.home) == []


def test_home_that_was_open_is_repaired(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "media" / "ab").mkdir(parents=True)
    voice, foreign = home / "media" / "ab" / "voice.wav", home / "notes.txt"
    for file in (voice, foreign, home / "haichieu.sqlite", home / "haichieu.sqlite-wal"):
        file.touch()
    (home / "media" / "speech").symlink_to(tmp_path)
    assert voice in open_to_others(home)
    enter_home(home).close()
    assert open_to_others(home) == [foreign], "nothing but a station's own files changes, and the home hides the rest"
    assert stat.S_IMODE(voice.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_several_processes_use_a_home_or_one_restore(tmp_path: Path) -> None:
    first, second = enter_home(tmp_path), enter_home(tmp_path)
    first.close()
    with pytest.raises(HomeInUse, match="Stop the station"), alone_in_home(tmp_path):
        pass
    second.close()
    with alone_in_home(tmp_path), pytest.raises(HomeInUse, match="restore"):
        enter_home(tmp_path)
    enter_home(tmp_path).close()


def test_half_restored_home_is_refused(tmp_path: Path) -> None:
    (tmp_path / UNFINISHED).touch()
    with pytest.raises(HomeInUse, match="interrupted"):
        enter_home(tmp_path)
    with alone_in_home(tmp_path):
        pass
