"""A station's home: private to the station's user, and in use by any number of processes or by one restore.

The lock is on the folder itself (flock(2)). It ends with the last process that has it, however that one ends.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import structlog

from haichieu.errors import EnvironmentProblem

log = structlog.get_logger()

PRIVATE = 0o700
OTHERS = 0o077
"""Permissions that no file of a home has: voices, numbers, hashes of PINs and keys are in it."""
OURS = ("etc", "lib", "log", "media", "run", "secrets", "spool", "haichieu.toml", "haichieu.sqlite*", "station.toml")
"""Patterns of what a station writes or reads in its home."""
UNFINISHED = "restore-unfinished"
"""A file that is in the home while a restore replaces its contents."""


class HomeNotWritable(EnvironmentProblem):
    """The station's home cannot be written to."""

    def __init__(self, home: Path, why: str) -> None:
        super().__init__("asterisk.home_not_writable", home=home, why=why)


class HomeInUse(EnvironmentProblem):
    """A station runs in this home, or a restore replaces its contents."""


class HomeLock:
    """The use of a home, until it is closed or the process and its descendants end."""

    def __init__(self, folder: int) -> None:
        self._folder = folder

    def keep_in_programs(self) -> None:
        """Leave the lock to the program that replaces this process (exec)."""
        os.set_inheritable(self._folder, True)

    def close(self) -> None:
        """Give it up."""
        os.close(self._folder)


def enter_home(home: Path) -> HomeLock:
    """Use a home beside other processes, creating it if necessary; what this process writes is private from now on.

    Raises HomeNotWritable, or HomeInUse while a restore replaces it or after one that did not finish.
    """
    lock = _locked(home, fcntl.LOCK_SH, "base.home.restoring")
    if (home / UNFINISHED).exists():
        lock.close()
        raise HomeInUse("base.home.unfinished", home=home)
    return lock


@contextlib.contextmanager
def alone_in_home(home: Path) -> Iterator[None]:
    """Use a home without any other process. Raises HomeInUse when a station runs in it, or HomeNotWritable."""
    lock = _locked(home, fcntl.LOCK_EX, "base.home.running")
    try:
        yield
    finally:
        lock.close()


def _locked(home: Path, kind: int, refusal: str) -> HomeLock:
    os.umask(OTHERS)
    try:
        home.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        _close_to_others(home)
        folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as problem:
        raise HomeNotWritable(home, problem.strerror or str(problem)) from problem
    try:
        fcntl.flock(folder, kind | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        os.close(folder)
        raise HomeInUse(refusal, home=home) from problem
    return HomeLock(folder)


def _close_to_others(home: Path) -> None:
    """Repair a home that an earlier version left open; the home itself first, which protects the rest at once."""
    if not home.stat().st_mode & OTHERS:
        return
    try:
        home.chmod(PRIVATE)
    except PermissionError:
        log.warning("home.open_to_others", home=str(home))  # another user's folder, whose group we are in
    for found in (path for pattern in OURS for path in home.glob(pattern)):
        for path in (found, *found.rglob("*")):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode & ~OTHERS & 0o7777)
