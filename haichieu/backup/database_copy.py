"""The database of a backup: one SQLite file, whatever the station runs on.

SQLite copies itself with its online backup. PostgreSQL is read in one REPEATABLE READ transaction into a SQLite file of
the same schema revision, and written back in one transaction. See docs/decisions/backup-is-one-sqlite-file.md.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from psycopg import sql

from haichieu.backup.errors import BackupFailed
from haichieu.database import Database, known_revisions, migrate

VERSIONS = "alembic_version"
_READ_AT_ONCE = 2000

_AS_SQLITE_HAS_IT: tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...] = (
    (sa.DateTime, "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"),
    (sa.Date, "to_char({}, 'YYYY-MM-DD')"),
    (sa.Boolean, "{}::int"),
    (sa.JSON, "{}::text"),
    (sa.Integer, "{}"),
    (sa.Float, "{}"),
    (sa.String, "{}"),
)
"""How PostgreSQL returns a value in the form in which SQLAlchemy stores it in SQLite."""


def copy_out(database: Database, target: Path, proceed: Callable[[], None]) -> None:
    """Write a consistent copy of the database to a new SQLite file, while other processes write.

    Raises BackupFailed for a PostgreSQL database that a newer version of the station has upgraded.
    """
    if not database.is_sqlite:
        _from_postgresql(database, target, proceed)
        return
    with database.engine.connect() as connection, _sqlite(target) as copy:
        connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a write-ahead log beside it


def revision_of(file: Path) -> str:
    """Return the schema revision of a SQLite file; "" when it has none."""
    with _sqlite(file) as copy, contextlib.suppress(sqlite3.OperationalError):
        if row := copy.execute("SELECT version_num FROM alembic_version").fetchone():
            return str(row[0])
    return ""


def name_of_station(file: Path) -> str:
    """Return the name of the station in a SQLite file; "" when it has none yet."""
    with _sqlite(file) as copy:
        row = copy.execute("SELECT name FROM station").fetchone()
    return str(row[0]) if row else ""


def digests_of_media(file: Path) -> set[str]:
    """Return the digests of all media that a SQLite file names."""
    with _sqlite(file) as copy:
        return {row[0] for row in copy.execute("SELECT sha256 FROM media")}


def is_whole(file: Path) -> bool:
    """Return whether SQLite finds no damage in a file."""
    with _sqlite(file) as copy:
        try:
            return bool(copy.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))
        except sqlite3.DatabaseError:
            return False


def without_heartbeats(file: Path) -> None:
    """Delete the heartbeats of the processes, and the nodes, that ran at the time of the backup."""
    with _sqlite(file) as copy:
        copy.execute("DELETE FROM heartbeats")
        if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'nodes'").fetchone():  # older backups have none
            copy.execute("DELETE FROM nodes")
        copy.commit()


def copy_in(source: Path, database: Database) -> None:
    """Replace all rows of a migrated PostgreSQL database by those of a SQLite file of the same revision, or none."""
    with database.engine.begin() as connection, _sqlite(source) as copy:
        inspector = sa.inspect(connection)
        tables = [name for name in inspector.get_table_names() if name != VERSIONS]
        quote = connection.dialect.identifier_preparer.quote
        references = [(table, key["name"]) for table in tables for key in inspector.get_foreign_keys(table)]
        connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
        for table in tables:  # the audit trail refuses changes
            connection.exec_driver_sql(f"ALTER TABLE {quote(table)} DISABLE TRIGGER USER")
        connection.exec_driver_sql(f"TRUNCATE {', '.join(quote(table) for table in tables)}")
        _defer(connection, references, "DEFERRABLE INITIALLY DEFERRED")
        for table in tables:
            _fill(connection, copy, table, [column["name"] for column in inspector.get_columns(table)])
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        _defer(connection, references, "NOT DEFERRABLE")
        for table in tables:
            connection.exec_driver_sql(f"ALTER TABLE {quote(table)} ENABLE TRIGGER USER")


def has_rows(database: Database) -> bool:
    """Return whether anything but heartbeats and nodes is stored."""
    with database.engine.connect() as connection:
        tables = set(sa.inspect(connection).get_table_names()) - {VERSIONS, "heartbeats", "nodes"}
        one = sa.select(sa.literal(1)).limit(1)
        return any([connection.execute(one.select_from(sa.table(name))).first() for name in tables])


def _from_postgresql(database: Database, target: Path, proceed: Callable[[], None]) -> None:
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with database.engine.connect().execution_options(**options) as connection, connection.begin():
        revision = str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))
        if revision not in known_revisions():
            raise BackupFailed("backup.database_newer", revision=revision)
        migrate(f"sqlite:///{target}", revision)
        inspector = sa.inspect(connection)
        with _sqlite(target) as copy:
            for table in inspector.get_table_names():
                if table != VERSIONS:
                    columns = {str(column["name"]): column["type"] for column in inspector.get_columns(table)}
                    _read(connection, copy, table, columns, proceed)
            copy.execute("PRAGMA journal_mode=DELETE")


def _read(
    connection: sa.Connection,
    copy: sqlite3.Connection,
    table: str,
    columns: dict[str, sa.types.TypeEngine[Any]],
    proceed: Callable[[], None],
) -> None:
    quote = connection.dialect.identifier_preparer.quote
    values = ", ".join(_as_sqlite_has_it(kind).format(quote(name)) for name, kind in columns.items())
    names, marks = ", ".join(quote(name) for name in columns), ", ".join("?" * len(columns))
    copy.execute(f"DELETE FROM {quote(table)}")  # noqa: S608 (names of our own schema)
    insert = f"INSERT INTO {quote(table)} ({names}) VALUES ({marks})"  # noqa: S608
    query = f"SELECT {values} FROM {quote(table)}"  # noqa: S608
    result = connection.exec_driver_sql(query, execution_options={"yield_per": _READ_AT_ONCE})
    for rows in result.partitions():
        proceed()
        copy.executemany(insert, [tuple(row) for row in rows])
    copy.commit()


def _as_sqlite_has_it(kind: sa.types.TypeEngine[Any]) -> str:
    return next(expression for known, expression in _AS_SQLITE_HAS_IT if isinstance(kind, known))


def _fill(connection: sa.Connection, copy: sqlite3.Connection, table: str, columns: list[str]) -> None:
    """Copy one table as one statement, so that rows may refer to later ones; PostgreSQL reads SQLite's own forms."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    quoted = ", ".join(f'"{name}"' for name in columns)
    rows = copy.execute(f'SELECT {quoted} FROM "{table}"')  # noqa: S608
    driver = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as into:  # type: ignore[union-attr]
        for row in rows:
            into.write_row(row)
    if "id" in columns:
        sequence = connection.scalar(sa.text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": f'"{table}"'})
        if sequence:
            newest = f'SELECT setval(:sequence, greatest((SELECT max(id) FROM "{table}"), 1))'  # noqa: S608
            connection.execute(sa.text(newest), {"sequence": sequence})


def _defer(connection: sa.Connection, references: list[tuple[str, str | None]], how: str) -> None:
    quote = connection.dialect.identifier_preparer.quote
    for table, name in references:
        connection.exec_driver_sql(f"ALTER TABLE {quote(table)} ALTER CONSTRAINT {quote(name or '')} {how}")


@contextlib.contextmanager
def _sqlite(file: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        yield connection
