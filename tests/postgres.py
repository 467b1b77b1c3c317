"""A private PostgreSQL for the tests: one cluster per test process, and a migrated, empty database for every test.

It listens on a unix socket in a folder of its own and nowhere else, so that any number of test runs
stand side by side, and it dies with the process that started it, even when that one is killed.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal

from haichieu.database import migrate

FOLDER_PREFIX = "haichieu-postgres-"
TEMPLATE = "template_migrated"
SHARED = "shared"
START_SECONDS = 30.0
ENOUGH_MEMORY = 1 << 30
# What a power cut destroys may be destroyed: the cluster lives for one run.
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


class PostgresNotInstalled(Exception):
    """There is no PostgreSQL server on this machine."""

    def __init__(self) -> None:
        super().__init__("no PostgreSQL server found; run docker/install-system-packages test")


class PostgresDidNotStart(Exception):
    """The server ended, or did not answer in time; the message is its log."""


SCHEMA = """
SELECT count(*), sum(xmin::text::bigint) FROM (SELECT xmin FROM pg_class UNION ALL SELECT xmin FROM pg_trigger) AS rows
"""
"""Differs after a change of tables, indexes or triggers: rows of catalogues name the transaction that wrote them."""


class Cleaner:
    """Empties a migrated database over a connection of its own."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._schema = connection.execute(SCHEMA).fetchone()
        connection.execute("SET session_replication_role = replica")  # without triggers, in any order of tables
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        sequences = connection.execute("SELECT sequencename FROM pg_sequences").fetchall()
        self._statement = SQL(";").join(
            [
                *(SQL("DELETE FROM {}").format(Identifier(name)) for (name,) in tables),
                *(SQL("SELECT setval({}, 1, false)").format(Literal(name)) for (name,) in sequences),
            ]
        )

    def empty(self) -> bool:
        """Close every other connection, delete every row and begin to count at 1; False if the schema has changed."""
        self._connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if self._connection.execute(SCHEMA).fetchone() != self._schema:
            self._connection.close()
            return False
        self._connection.execute(self._statement)
        return True


class PostgresCluster:
    """A running server: hands out databases that are copies of one migrated template."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count(1)
        self._cleaner: Cleaner | None = None

    def url(self, database: str) -> str:
        """The URL of `database`, for SQLAlchemy and libpq alike."""
        return f"postgresql://haichieu@/{database}?host={self.folder}"

    def make_template(self) -> None:
        """Migrate the database that every later one is copied from."""
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(self.url(TEMPLATE))

    def make_empty(self, name: str) -> None:
        """Make a database without any table, in place of one of that name."""
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._execute(f"CREATE DATABASE {name}")

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a migrated, otherwise empty database, dropped at the end with every connection."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            yield self.url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def emptied(self) -> str:
        """Return the URL of a migrated database that is emptied now: 3 ms, where a new one takes 80."""
        if self._cleaner is None or not self._cleaner.empty():
            self._execute(f"DROP DATABASE IF EXISTS {SHARED} WITH (FORCE)")
            self._execute(f"CREATE DATABASE {SHARED} TEMPLATE {TEMPLATE}")
            self._cleaner = Cleaner(psycopg.connect(self.url(SHARED), autocommit=True))
        return self.url(SHARED)

    @contextmanager
    def away(self, url: str) -> Iterator[None]:
        """Nobody is or can be connected to the database at `url`, as while a server is restarted."""
        name = conninfo_to_dict(url)["dbname"]
        self._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        self._execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        try:
            yield
        finally:
            self._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def private_cluster(**settings: str) -> Iterator[PostgresCluster]:
    """Run a private server for the length of the block, with these settings beside those of all tests."""
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
            with (folder / "log").open("wb") as log:
                server = subprocess.Popen(
                    [*become, str(_program("postgres")), "-D", str(data), *assignments],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C in the terminal is for pytest, which then stops it in order
                )
            try:
                cluster = PostgresCluster(folder)
                _wait_until_it_answers(cluster, server)
                yield cluster
            finally:
                server.send_signal(signal.SIGQUIT)
                server.wait()
        finally:
            shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """The test process's own PostgreSQL server."""
    with private_cluster() as cluster:
        cluster.make_template()
        yield cluster


@pytest.fixture
def postgres_url(postgres_cluster: PostgresCluster) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database that nobody else uses."""
    with postgres_cluster.database() as url:
        yield url


def _fastest_place() -> Path:
    """Memory where there is enough of it: a database is made in 45 ms there, in 100 to 500 ms on a disk."""
    memory = Path("/dev/shm")
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
        raise PostgresNotInstalled
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


def _wait_until_it_answers(cluster: PostgresCluster, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(cluster.url("postgres")).close()
            return
        except psycopg.OperationalError:
            ended = time.monotonic() > deadline
        try:
            server.wait(timeout=0.05)
            ended = True
        except subprocess.TimeoutExpired:
            pass
        if ended:
            raise PostgresDidNotStart((cluster.folder / "log").read_text())


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
