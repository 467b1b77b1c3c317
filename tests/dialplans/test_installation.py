"""Choice of the Asterisk: the one that was named, one on the PATH, or the one fetched earlier."""

from pathlib import Path

import pytest

from dialplans.installation import NoAsterisk, find_installation
from haichieu.settings import load_settings


def pretended(folder: Path, printed: str) -> Path:
    """A program that says it is that version, with an installation's folders around it."""
    for part in ("bin", "lib/asterisk/modules", "share/asterisk"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    binary = folder / "bin/asterisk"
    binary.write_text(f"#!/bin/sh\necho '{printed}'\n")
    binary.chmod(0o755)
    return binary


@pytest.fixture(autouse=True)
def _nothing_found_by_chance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("Asterisk 20.9.3", "20.9.3"),
        ("Asterisk 22.10.1~dfsg+~cs6.15", "22.10.1"),
        ("Asterisk certified/20.7-cert2", "20.7"),
    ],
)
def test_named_asterisk_is_used(tmp_path: Path, printed: str, version: str) -> None:
    binary = pretended(tmp_path / "own", printed)
    found = find_installation(load_settings(home=tmp_path, asterisk=str(binary)))
    assert found is not None
    assert found.argv == (str(binary),)
    assert found.version == version
    assert found.modules == tmp_path / "own/lib/asterisk/modules"


@pytest.mark.parametrize("printed", ["Asterisk 16.28.0", "Asterisk 18.1.1", "bash 5.2", ""])
def test_named_asterisk_that_is_unsuitable_is_refused(tmp_path: Path, printed: str) -> None:
    binary = pretended(tmp_path / "own", printed)
    with pytest.raises(NoAsterisk, match=str(binary)):
        find_installation(load_settings(home=tmp_path, asterisk=str(binary)))


def test_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoAsterisk, match="not an Asterisk 20"):
        find_installation(load_settings(home=tmp_path, asterisk=str(tmp_path / "nowhere")))


def test_asterisk_on_the_path_is_used_unless_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(home=tmp_path, asterisk_cache=tmp_path / "cache")
    binary = pretended(tmp_path / "new", "Asterisk 21.0.0")
    monkeypatch.setenv("PATH", str(binary.parent))
    found = find_installation(settings)
    assert found is not None
    assert found.argv == (str(binary),)

    monkeypatch.setenv("PATH", str(pretended(tmp_path / "old", "Asterisk 16.28.0").parent))
    assert find_installation(settings) is None


def test_fetched_asterisk_without_package_list_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "cache/root/usr/sbin").mkdir(parents=True)
    assert find_installation(load_settings(home=tmp_path, asterisk_cache=tmp_path / "cache")) is None
