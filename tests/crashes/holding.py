"""Making a moment last: a process that stands still, a database that nobody else gets at, a program that waits."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from haichieu.database import Database


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """Let a process do nothing until the block ends; what is sent to it waits in its sockets."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def database_held(database: Database) -> Iterator[None]:
    """Keep a station's SQLite database: whoever wants to read or write it waits (for 15 seconds) till the block ends.

    The test has to end the block before it looks at the rows itself.
    """
    assert database.url.database is not None
    connection = sqlite3.connect(database.url.database, timeout=15, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
    finally:
        connection.close()


def bytes_waiting(port: int) -> int:
    """The most bytes that a TCP connection to a port of this machine holds and that its owner has not read yet."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = (line[4] for line in lines if int(line[1].rpartition(":")[2], 16) == port)
    return max((int(queues.rpartition(":")[2], 16) for queues in ours), default=0)


class HeldProgram:
    """A program that, found in `folder` instead of the real one, waits before it begins while it is held."""

    def __init__(self, name: str, folder: Path) -> None:
        real = shutil.which(name)
        assert real is not None
        self.folder = folder
        folder.mkdir()
        self._held, self._pid = folder / "held", folder / "pid"
        program = folder / name
        program.write_text(
            f"#!/bin/sh\n[ -e {self._held} ] && echo $$ >{self._pid}\n"
            f'while [ -e {self._held} ]; do sleep 0.05; done\nexec {real} "$@"\n'
        )
        program.chmod(0o755)

    def hold(self) -> None:
        """From now on it waits."""
        self._held.touch()

    def let_go(self) -> None:
        """It goes on."""
        self._held.unlink(missing_ok=True)

    def is_waiting(self) -> bool:
        """Say whether somebody has begun it."""
        return self._pid.exists() and self._pid.read_text().endswith("\n")

    def end(self) -> None:
        """End the one that waits, whose parent is dead."""
        if self._held.exists() and self.is_waiting():
            os.kill(int(self._pid.read_text()), signal.SIGKILL)
        self.let_go()
