"""Ways to make a moment last: a paused process, a locked database, a program that waits before it begins."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from haichieu.database import Database


@contextmanager
def paused_process(pid: int) -> Iterator[None]:
    """Pause a process until the block ends; what is sent to it waits in its sockets."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def locked_database(database: Database) -> Iterator[None]:
    """Lock a station's SQLite database: other processes wait up to 15 seconds until the block ends.

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
    """Return the most unread bytes of any TCP connection to a port of this machine."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = (line[4] for line in lines if int(line[1].rpartition(":")[2], 16) == port)
    return max((int(queues.rpartition(":")[2], 16) for queues in ours), default=0)


class PausedProgram:
    """A program in `folder` that waits while it is paused, and then runs the real one."""

    def __init__(self, name: str, folder: Path) -> None:
        real = shutil.which(name)
        assert real is not None
        self.folder = folder
        folder.mkdir()
        self._paused, self._pid = folder / "paused", folder / "pid"
        program = folder / name
        program.write_text(
            f"#!/bin/sh\n[ -e {self._paused} ] && echo $$ >{self._pid}\n"
            f'while [ -e {self._paused} ]; do sleep 0.05; done\nexec {real} "$@"\n'
        )
        program.chmod(0o755)

    def pause(self) -> None:
        """Make it wait from now on."""
        self._paused.touch()

    def resume(self) -> None:
        """Let it run."""
        self._paused.unlink(missing_ok=True)

    def is_waiting(self) -> bool:
        """Return whether it was started and waits."""
        return self._pid.exists() and self._pid.read_text().endswith("\n")

    def end(self) -> None:
        """Kill the one that waits, whose parent is dead."""
        if self._paused.exists() and self.is_waiting():
            os.kill(int(self._pid.read_text()), signal.SIGKILL)
        self.resume()
