"""Making a moment last: a process that stands still, a database that nobody else gets at, a program that waits."""

import os
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
