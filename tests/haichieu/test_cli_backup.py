"""`haichieu backup` and `haichieu restore` as a user types them."""

import shutil
from pathlib import Path

import pytest

from haichieu.backup import encryption
from tests.command_line import haichieu

PASSPHRASE = "a long passphrase"


@pytest.fixture(autouse=True)
def quick_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "_COST", 2)
    monkeypatch.setenv("HAICHIEU_MIN_FREE_MEGABYTES", "0")


@pytest.fixture
def home(tmp_path: Path, migrated_sqlite: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(migrated_sqlite, home / "haichieu.sqlite")
    return home


def test_backup_in_clear_is_warned_of_and_restored(home: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "a.backup", tmp_path / "other"
    made = haichieu("backup", str(file), "--home", str(home))
    assert made.returncode == 0
    assert "in clear" in made.stderr
    done = haichieu("restore", str(file), "--home", str(other))
    assert done.stdout.splitlines()[-1].startswith("Restored: ")
    again = haichieu("restore", str(file), "--home", str(other))
    assert (again.returncode, "--replace" in again.stderr) == (2, True)
    replaced = haichieu("restore", str(file), "--home", str(other), "--replace")
    assert "The former data is in" in replaced.stdout


@pytest.mark.parametrize("source", ["terminal", "file", "environment"])
def test_passphrase_comes_from_terminal_file_or_environment(
    home: Path, tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, secret = tmp_path / "a.backup", tmp_path / "secret"
    secret.write_text(f"{PASSPHRASE}\n")
    given = ("--passphrase-file", str(secret)) if source == "file" else ()
    if source == "environment":
        monkeypatch.setenv("HAICHIEU_BACKUP_PASSPHRASE", PASSPHRASE)
    typed = f"{PASSPHRASE}\n" if source == "terminal" else ""
    made = haichieu("backup", str(file), "--home", str(home), "--encrypt", *given, said=typed * 2)
    assert (made.returncode, "in clear" in made.stderr) == (0, False)
    assert file.read_bytes().startswith(b"HaiChieuBackup")
    done = haichieu("restore", str(file), "--home", str(tmp_path / "other"), *given, said=typed)
    assert done.stdout.splitlines()[-1].startswith("Restored: ")


def test_short_passphrase_is_refused(home: Path, tmp_path: Path) -> None:
    made = haichieu("backup", str(tmp_path / "a"), "--home", str(home), "--encrypt", said="short\nshort\n")
    assert (made.returncode, "at least" in made.stderr) == (2, True)
    assert not (tmp_path / "a").exists()


def test_status_says_when_the_latest_backup_was_made(home: Path, tmp_path: Path) -> None:
    assert "latest backup: there is no backup yet" in haichieu("status", "--home", str(home)).stdout
    haichieu("backup", str(tmp_path / "a.backup"), "--home", str(home))
    assert "there is no backup yet" not in haichieu("status", "--home", str(home)).stdout
