"""Fetching an Asterisk: by a real apt, from a small signed archive, interrupted in every way."""

import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from dialplans.fetch import fetch_asterisk
from dialplans.installation import NoAsterisk, cache_folder, fetched_installation
from dialplans.mirrors import choose_mirrors
from dialplans.private_apt import FetchFailed
from haichieu.locale import Message, message
from haichieu.settings import load_settings
from tests.dialplans.small_archive import ArchiveServer, Key, build_packages, write_index
from tests.waiting import wait_until

MACHINE = platform.machine()
A_WEEK = timedelta(days=7)


@dataclass
class Archive:
    """A small archive that is being served, and the key it is signed with."""

    folder: Path
    key: Key
    server: ArchiveServer

    def fetch(self, cache: Path) -> subprocess.Popen[str]:
        """Begin to fetch in a process of its own; it prints what it does."""
        program = (
            "import signal, sys, pathlib; from dialplans.fetch import fetch_asterisk\n"
            # A shell lets what it starts in the background ignore it, and so do their children.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "show = lambda done, total, what: print(what, done, flush=True)\n"
            "cache, mirror, keyring = sys.argv[1:]\n"
            "fetch_asterisk(pathlib.Path(cache), show, mirrors=[mirror], keyring=pathlib.Path(keyring))\n"
        )
        return subprocess.Popen(
            [sys.executable, "-c", program, cache, self.server.url, self.key.public],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Key]]:
    installation = fetched_installation(cache_folder(load_settings()))
    if installation is None or shutil.which("gpg") is None:
        pytest.skip("needs gpg, and an Asterisk that was fetched before to make packages of")
    folder = tmp_path_factory.mktemp("small")
    key = Key(folder / "key")
    build_packages(folder, MACHINE, installation)
    write_index(folder / "archive", MACHINE, key, A_WEEK)
    yield folder / "archive", key
    key.close()


@pytest.fixture
def archive(signed: tuple[Path, Key], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    direct = tmp_path / "apt.conf"
    direct.write_text(
        'Acquire::http::Proxy::127.0.0.1 "DIRECT";\nAPT::Default-Release "bookworm";\n'
        'APT::Get::AllowUnauthenticated "true";\nAcquire::AllowInsecureRepositories "true";\n'
        'Acquire::Check-Valid-Until "false";\nAcquire::Check-Date "false";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(direct))
    monkeypatch.setitem(sys.modules["dialplans.mirrors"].ENVIRONMENT, "APT_CONFIG", str(direct))
    folder = tmp_path / "archive"
    shutil.copytree(signed[0], folder)
    with ArchiveServer(folder) as server:
        yield Archive(folder, signed[1], server)


def half_done(cache: Path) -> bool:
    return any(file.stat().st_size > 0 for file in (cache / "download/archives/partial").glob("asterisk-modules*"))


def test_fetched_asterisk_runs_and_is_not_fetched_again(archive: Archive, tmp_path: Path) -> None:
    cache, seen = tmp_path / "cache", []
    installation = fetch_asterisk(
        cache, lambda *now: seen.append(now), mirrors=[archive.server.url], keyring=archive.key.public
    )
    asked = archive.server.packages_asked()
    again = fetch_asterisk(cache, lambda *now: None, mirrors=[archive.server.url], keyring=archive.key.public)

    assert installation.version.startswith("2")
    assert again == installation
    assert archive.server.packages_asked() == asked == {"asterisk": 1, "asterisk-modules": 1}
    rows = [line.split("\t") for line in (cache / "root/packages.tsv").read_text().splitlines()]
    assert sorted((name, version, len(digest)) for name, version, digest in rows) == [
        ("asterisk", "22.0.0-1", 64), ("asterisk-modules", "22.0.0-1", 64),
    ]  # fmt: skip
    assert (installation.data / "sounds/en").is_dir()
    assert not (cache / "root/usr/share/doc").exists()
    assert sorted(path.name for path in cache.iterdir()) == ["lock", "root"]
    done, total, _ = seen[-1]
    assert 0 < done == total


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.proof)])
def test_interrupted_download_is_resumed(archive: Archive, tmp_path: Path, number: signal.Signals) -> None:
    cache = tmp_path / "cache"
    archive.server.bytes_a_second = 1_000_000
    fetching = archive.fetch(cache)
    wait_until(lambda: half_done(cache), "the second package")
    fetching.send_signal(number)
    fetching.communicate(timeout=10)
    assert fetched_installation(cache) is None
    assert not (cache / "root").exists()

    archive.server.bytes_a_second = 0
    after = archive.fetch(cache)
    said, _ = after.communicate(timeout=60)
    assert after.returncode == 0, said
    assert fetched_installation(cache) is not None
    assert len((cache / "root/packages.tsv").read_text().splitlines()) == 2


def test_partly_unpacked_files_are_removed(archive: Archive, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / "unpacking-1" / "usr").mkdir(parents=True)
    (cache / "root" / "usr").mkdir(parents=True)  # without its list of packages it counts for nothing
    fetch_asterisk(cache, lambda *now: None, mirrors=[archive.server.url], keyring=archive.key.public)
    assert sorted(path.name for path in cache.iterdir()) == ["lock", "root"]


def test_concurrent_fetches_download_once(archive: Archive, tmp_path: Path) -> None:
    both = [archive.fetch(tmp_path / "cache") for _ in range(2)]
    said = [fetching.communicate(timeout=60)[0] for fetching in both]
    assert [fetching.returncode for fetching in both] == [0, 0], said
    assert archive.server.packages_asked() == {"asterisk": 1, "asterisk-modules": 1}


def test_foreign_signature_is_refused(archive: Archive, tmp_path: Path) -> None:
    foreign = Key(tmp_path / "foreign")
    try:
        with pytest.raises(FetchFailed, match="not signed"):
            fetch_asterisk(tmp_path / "cache", lambda *now: None, mirrors=[archive.server.url], keyring=foreign.public)
    finally:
        foreign.close()
    assert archive.server.packages_asked() == {}
    assert not (tmp_path / "cache/root").exists()


def test_package_with_a_wrong_digest_is_refused(archive: Archive, tmp_path: Path) -> None:
    [package] = (archive.folder / "pool").glob("asterisk_*.deb")
    package.write_bytes(package.read_bytes()[:-1] + b"!")
    with pytest.raises(FetchFailed):
        fetch_asterisk(tmp_path / "cache", lambda *now: None, mirrors=[archive.server.url], keyring=archive.key.public)
    assert not (tmp_path / "cache/root").exists()


def test_damaged_package_is_fetched_again(archive: Archive, tmp_path: Path) -> None:
    [package] = (archive.folder / "pool").glob("asterisk-modules_*.deb")
    archives = tmp_path / "cache/download/archives"
    archives.mkdir(parents=True)
    (archives / package.name).write_bytes(b"\0" * package.stat().st_size)
    arguments = {"mirrors": [archive.server.url], "keyring": archive.key.public}
    with pytest.raises(FetchFailed, match="damaged"):
        fetch_asterisk(tmp_path / "cache", lambda *now: None, **arguments)
    assert fetch_asterisk(tmp_path / "cache", lambda *now: None, **arguments)


def test_expired_index_is_used_with_a_warning(archive: Archive, tmp_path: Path) -> None:
    write_index(archive.folder, MACHINE, archive.key, -timedelta(days=1))
    said: list[Message] = []
    fetch_asterisk(
        tmp_path / "cache", lambda done, total, what: said.append(what),
        mirrors=[archive.server.url], keyring=archive.key.public,
    )  # fmt: skip
    assert message("asterisk.progress.outdated_index") in said


def test_mirror_without_the_suite_is_skipped(archive: Archive, tmp_path: Path) -> None:
    mirrors = [archive.server.url + "/elsewhere", archive.server.url]
    assert fetch_asterisk(tmp_path / "cache", lambda *now: None, mirrors=mirrors, keyring=archive.key.public)


def test_unwritable_cache_is_named(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FetchFailed, match=str(tmp_path / "file")):
        fetch_asterisk(
            tmp_path / "file" / "cache", lambda *now: None, mirrors=[archive.server.url], keyring=archive.key.public
        )


def test_machine_that_cannot_fetch_gets_instructions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoAsterisk, match="HAICHIEU_ASTERISK"):
        fetch_asterisk(tmp_path / "cache", lambda *now: None, keyring=tmp_path / "no-keyring.gpg")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(NoAsterisk, match="HAICHIEU_ASTERISK"):
        fetch_asterisk(tmp_path / "cache", lambda *now: None)


def test_machine_without_a_debian_mirror_gets_instructions(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(NoAsterisk, match="mirror"):
        fetch_asterisk(tmp_path / "cache", lambda *now: None, mirrors=[], keyring=archive.key.public)


@pytest.mark.parametrize(
    ("printed", "chosen"),
    [
        ("'http://m.example/debian/dists/bookworm/InRelease' m 0 ", ["http://m.example/debian"]),
        ("'http://m.example/debian//dists/sid/InRelease' m 0 ", ["http://m.example/debian"]),
        ("'mirror+file:/etc/apt/mirrors/debian.list/dists/trixie/InRelease' m 0 ",
         ["mirror+file:/etc/apt/mirrors/debian.list"]),
        ("'http://m.example/debian-security/dists/bookworm-security/InRelease' m 0 ", []),
        ("'http://m.example/debian/dists/bookworm-updates/InRelease' m 0 ", []),
        ("'http://m.example/security/dists/buster/updates/InRelease' m 0 ", []),
        ("'http://m.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' m 0 ", []),
        ("'https://vendor.example/dists/stable/InRelease' v 0 \n"
         "'http://m.example/debian/dists/stable/InRelease' m 0 \n"
         "'http://m.example/debian/dists/testing/InRelease' m 0 ",
         ["http://m.example/debian", "https://vendor.example"]),
        ("Reading package lists...", []),
        ("", []),
    ],
)  # fmt: skip
def test_mirror_is_read_from_apt(printed: str, chosen: list[str]) -> None:
    assert choose_mirrors(printed.splitlines()) == chosen
