"""A real `haichieu web` process over a station with something in it, for tests that come over HTTP."""

import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from haichieu.database import Database
from haichieu.demo.trial_station import free_port
from tests.builders.house import House, build, furnish

START_SECONDS = 60


@dataclass
class Served:
    """The station, and where its web process answers."""

    house: House
    address: str
    pid: int

    def empty(self, template: Path) -> None:
        """Replace the content of the database by that of `template`, under the running process."""
        file = self.house.home / "haichieu.sqlite"
        with (
            contextlib.closing(sqlite3.connect(template)) as empty,
            contextlib.closing(sqlite3.connect(file, timeout=30)) as ours,
        ):
            empty.backup(ours)

    def begin_again(self, template: Path) -> None:
        """Leave the units, accounts, speakers and zones that every house begins with, and nothing else."""
        self.empty(template)
        furnish(self.house)


@contextlib.contextmanager
def served(template: Path, home: Path) -> Iterator[Served]:
    """Start it on SQLite; `template` is a migrated database to begin with."""
    file = home / "haichieu.sqlite"
    file.write_bytes(template.read_bytes())
    database = Database(f"sqlite:///{file}")
    try:
        house = build(database, home)
        with web_process(home) as (address, pid):
            yield Served(house, address, pid)
    finally:
        database.close()


@contextlib.contextmanager
def web_process(home: Path) -> Iterator[tuple[str, int]]:
    """`haichieu web` over the station in `home`: the address at which it answers, and its process."""
    port = free_port(socket.SOCK_STREAM)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAICHIEU_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "haichieu", "web", "--home", str(home)],
        env={**environment, "HAICHIEU_WEB_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=(home / "web.log").open("wb"),
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline(), (home / "web.log").read_text()
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(20)
