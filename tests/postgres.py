"""PostgreSQL for the tests: one server per test process, and a migrated, empty database for every test."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal

from haichieu.database import migrate
from haichieu.demo.private_postgres import PrivatePostgres, private_postgres

TEMPLATE = "template_migrated"
SHARED = "shared"

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


class PostgresCluster(PrivatePostgres):
    """A running server: hands out databases that are copies of one migrated template."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        super().__init__(folder, command)
        self._numbers = count(1)
        self._cleaner: Cleaner | None = None

    def restart(self) -> None:
        """Restart the server as an administrator does."""
        self.stop(signal.SIGINT)
        self.start()

    def make_template(self) -> None:
        """Migrate the database that every later one is copied from."""
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(self.url(TEMPLATE))

    def make_empty(self, name: str) -> None:
        """Make a database without any table, in place of one of that name."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.execute(f"CREATE DATABASE {name}")

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a migrated, otherwise empty database, dropped at the end with every connection."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def emptied(self) -> str:
        """Return the URL of a migrated database that is emptied now: 3 ms, where a new one takes 80."""
        if self._cleaner is None or not self._cleaner.empty():
            self.execute(f"DROP DATABASE IF EXISTS {SHARED} WITH (FORCE)")
            self.execute(f"CREATE DATABASE {SHARED} TEMPLATE {TEMPLATE}")
            self._cleaner = Cleaner(psycopg.connect(self.url(SHARED), autocommit=True))
        return self.url(SHARED)

    @contextmanager
    def away(self, url: str) -> Iterator[None]:
        """Nobody is or can be connected to the database at `url`, as while a server is restarted."""
        name = conninfo_to_dict(url)["dbname"]
        self.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        try:
            yield
        finally:
            self.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@contextmanager
def private_cluster(**settings: str) -> Iterator[PostgresCluster]:
    """Run a private server for the length of the block, with these settings beside those of all tests."""
    with private_postgres(PostgresCluster, **settings) as cluster:
        yield cluster


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
