"""Fetching an Asterisk from Debian unstable into a folder, without installing it and without being root.

A private apt downloads the packages and checks signatures and digests; here they are unpacked, trimmed and put in
place. The last step, a rename, makes them valid.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dialplans.installation import (
    ARCHITECTURES,
    COMPLETE,
    Architecture,
    Installation,
    NoAsterisk,
    fetched_installation,
)
from dialplans.mirrors import debian_mirrors
from dialplans.private_apt import FetchFailed, Package, PrivateApt, Progress
from haichieu.locale import Message, message

SUITE = "unstable"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGES = ("asterisk", "asterisk-modules")
LEAVE_OUT = (
    "usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/zoneinfo", "usr/share/perl", "usr/share/perl5",
    "usr/lib/{triplet}/perl",
    "usr/lib/{triplet}/perl-base", "usr/lib/{triplet}/gconv", "usr/share/bug", "usr/share/lintian",
)  # fmt: skip


def fetch_asterisk(
    cache: Path, progress: Progress, *, mirrors: Sequence[str] | None = None, keyring: Path = KEYRING
) -> Installation:
    """Return the Asterisk in `cache`, fetching it first when it is not there.

    Concurrent calls wait for each other. After an interruption, the next call reuses complete packages and removes
    unfinished folders. The default of `mirrors` is the machine's own Debian mirrors.
    Raises NoAsterisk on an unsupported machine, FetchFailed when it fails.
    """
    architecture = _architecture(keyring)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache / "lock") as lock:
            if found := fetched_installation(cache):
                return found
            _fetch(cache, architecture, debian_mirrors() if mirrors is None else mirrors, keyring, lock, progress)
            found = fetched_installation(cache)
    except OSError as problem:
        raise FetchFailed(Message.verbatim(f"{problem.filename or cache}: {problem.strerror}.")) from problem
    if found is None:
        raise FetchFailed(message("asterisk.does_not_run", folder=cache / "root"))
    return found


def _architecture(keyring: Path) -> Architecture:
    architecture = ARCHITECTURES.get(platform.machine())
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if architecture is None or missing or not keyring.exists():
        raise NoAsterisk("asterisk.cannot_fetch_here")
    return architecture


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[int]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _fetch(
    cache: Path, architecture: Architecture, mirrors: Sequence[str], keyring: Path, lock: int, progress: Progress
) -> None:
    if not mirrors:
        raise NoAsterisk("asterisk.no_mirror")
    for leftover in cache.glob("unpacking-*"):
        shutil.rmtree(leftover)
    apt = PrivateApt(cache / "download", architecture.debian, keyring, lock, progress)
    apt.update(mirrors, SUITE)
    packages = apt.download(PACKAGES)
    staging = cache / f"unpacking-{os.getpid()}"
    try:
        _unpack(packages, staging, architecture, progress)
        os.sync()  # otherwise a power cut could leave the list of packages without the packages
        if (cache / "root").exists():
            shutil.rmtree(cache / "root")
        staging.rename(cache / "root")
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    shutil.rmtree(cache / "download")


def _unpack(packages: Sequence[Package], staging: Path, architecture: Architecture, progress: Progress) -> None:
    staging.mkdir()
    total, done = sum(package.size for package in packages), 0
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool, (staging / "packages.part").open("w") as listing:
        rows = pool.map(lambda package: _unpack_one(package, staging), packages)
        try:
            for package, row in zip(packages, rows, strict=True):
                done += package.size
                progress(done, total, message("asterisk.progress.unpack"))
                listing.write("\t".join(row) + "\n")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for folder in LEAVE_OUT:
        shutil.rmtree(staging / folder.format(triplet=architecture.triplet), ignore_errors=True)
    sounds = staging / "usr/share/asterisk/sounds"
    if not (sounds / "en").exists():
        # The package's postinst would do it.
        sounds.mkdir(parents=True, exist_ok=True)
        (sounds / "en").symlink_to("en_US_f_Allison")
    (staging / "packages.part").rename(staging / COMPLETE)


def _unpack_one(package: Package, staging: Path) -> tuple[str, str, str]:
    """Unpack a package; return its name, version and SHA-256 digest."""
    with package.file.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != package.sha256:
        # apt checks only the size of a file from an earlier attempt.
        package.file.unlink()
        raise FetchFailed(message("asterisk.damaged_package", file=package.file.name))
    done = subprocess.run(
        ["dpkg-deb", "-x", str(package.file), str(staging)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise FetchFailed(Message.verbatim(done.stderr.strip()))
    name, version, _ = urllib.parse.unquote(package.file.name).split("_", 2)
    return name, version, digest
