"""A private PostgreSQL server for the length of a demonstration or of a test run.

It listens on a unix socket in a folder of its own and nowhere else, so that any number of them run side by side, and it
dies with the process that started it, even when that one is killed.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg

from haichieu.errors import EnvironmentProblem

FOLDER_PREFIX = "haichieu-postgres-"
START_SECONDS = 30.0
ENOUGH_MEMORY = 1 << 30
# What a power cut destroys may be destroyed: the server lives for one run.
SETTINGS = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "60",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
    "synchronous_commit": "off",
    "wal_level": "minimal",
}


class PrivatePostgres:
    """One server, and the URLs of its databases."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        """`command` starts the server, whose folder this is."""
        self.folder = folder
        self._command = command
        self._server: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """Return the URL of `database`, for SQLAlchemy and libpq alike."""
        return f"postgresql://haichieu@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start the server and wait until it answers. Raises EnvironmentProblem."""
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is for our process, which then stops it in order
            )
        _wait_until_it_answers(self, self._server)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop the server: at once, or with SIGINT as an administrator restarts it."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait()

    def execute(self, statement: str) -> None:
        """Execute a statement outside of the databases of stations."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


Server = TypeVar("Server", bound=PrivatePostgres)


@contextmanager
def private_postgres(kind: Callable[[Path, Sequence[str]], Server], **settings: str) -> Iterator[Server]:
    """Run a server for the length of the block, with these settings beside the usual ones.

    Raises EnvironmentProblem when none is installed or it does not start.
    """
    place = _fastest_place()
    _remove_what_killed_runs_left(place)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=place))
    with _locked(folder):
        try:
            become = _as_server_user(folder)
            data = folder / "data"
            initdb = [*become, str(_program("initdb")), "--username=haichieu", "--auth=trust", "--no-sync"]
            subprocess.run([*initdb, "--encoding=UTF8", "--no-locale", str(data)], check=True, capture_output=True)
            options = SETTINGS | settings | {"unix_socket_directories": str(folder)}
            assignments = [f"--{name}={value}" for name, value in options.items()]
            server = kind(folder, [*become, str(_program("postgres")), "-D", str(data), *assignments])
            try:
                server.start()
                yield server
            finally:
                server.stop()
        finally:
            shutil.rmtree(folder)


def _fastest_place() -> Path:
    """Memory where there is enough of it: a database is made in 45 ms there, in 100 to 500 ms on a disk."""
    memory = Path("/dev/shm")  # noqa: S108 (a folder of our own in it)
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ENOUGH_MEMORY:
        return memory
    return Path(tempfile.gettempdir())


def _program(name: str) -> Path:
    """The newest installed server's program; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1]
    on_path = shutil.which(name)
    if on_path is None:
        raise EnvironmentProblem("demo.no_postgres")
    return Path(on_path)


def _as_server_user(folder: Path) -> list[str]:
    """The command prefix that ends the server with us and, since it refuses to be root, as someone else."""
    prefix = ["setpriv", "--pdeathsig=QUIT"]
    if os.geteuid() == 0:
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            user = pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        prefix += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return prefix


def _wait_until_it_answers(postgres: PrivatePostgres, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(postgres.url("postgres")).close()
            return
        except psycopg.OperationalError:
            ended = time.monotonic() > deadline
        try:
            server.wait(timeout=0.05)
            ended = True
        except subprocess.TimeoutExpired:
            pass
        if ended:
            raise EnvironmentProblem("demo.postgres_failed", log=(postgres.folder / "log").read_text()[-2000:])


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder in use; the system releases it however this process ends."""
    with tempfile.NamedTemporaryFile(dir=folder.parent, delete=False) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.rename(lock.name, folder / "lock")  # it appears locked, so nobody can find it free in between
        yield


def _remove_what_killed_runs_left(place: Path) -> None:
    for folder in place.glob(f"{FOLDER_PREFIX}*"):
        try:
            with (folder / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
        except OSError:
            continue  # in use, another user's, or being removed by another run at this moment
