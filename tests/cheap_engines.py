"""Database engines that know the SQL of the tests before, wait for no disk, and migrate once.

SQLAlchemy keeps compiled statements per engine. The station has one engine per process, the tests one per test.
"""

import contextlib
import sqlite3
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.util import LRUCache

from haichieu import database

STATEMENTS = 5_000

_dialects: dict[str, sa.Dialect] = {}
_compiled: LRUCache[object, object] = LRUCache(STATEMENTS)


def use_cheap_engines() -> None:
    """Let engines of this process share compiled statements, and SQLite's commit into memory and migrate once."""
    database._sqlite_engine = _without_disk(_sharing(database._sqlite_engine))
    database._postgresql_engine = _sharing(database._postgresql_engine)
    database._upgrade = _copying(database._upgrade)


def _sharing(make: Callable[[sa.URL], sa.Engine]) -> Callable[[sa.URL], sa.Engine]:
    def engine(url: sa.URL) -> sa.Engine:
        made = make(url)
        if made.name not in _dialects:
            with (
                contextlib.suppress(sa.exc.OperationalError),
                made.connect(),
            ):  # a dialect is complete when it has met a server
                _dialects[made.name] = made.dialect
        made.dialect = _dialects.get(made.name, made.dialect)  # statements are compiled for one object
        made.update_execution_options(compiled_cache=_compiled)
        return made

    return engine


def _without_disk(make: Callable[[sa.URL], sa.Engine]) -> Callable[[sa.URL], sa.Engine]:
    def engine(url: sa.URL) -> sa.Engine:
        made = make(url)
        sa.event.listen(made, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        return made

    return engine


def _copying(upgrade: Callable[[database.Database, str], None]) -> Callable[[database.Database, str], None]:
    made: dict[str, sqlite3.Connection] = {}

    def copy(to: database.Database, revision: str) -> None:
        if to.url.get_backend_name() != "sqlite" or sa.inspect(to.engine).get_table_names():
            upgrade(to, revision)
        elif revision in made:
            with to.engine.connect() as connection:
                made[revision].backup(_sqlite(connection))
        else:
            upgrade(to, revision)
            with to.engine.connect() as connection:
                _sqlite(connection).backup(
                    made.setdefault(revision, sqlite3.connect(":memory:", check_same_thread=False))
                )

    return copy


def _sqlite(connection: sa.Connection) -> sqlite3.Connection:
    found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found
