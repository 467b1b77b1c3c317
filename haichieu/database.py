"""The database: engine, short sessions, migrations. SQLite for one machine, PostgreSQL for several.

Sessions are synchronous and short. Asynchronous code calls `Database.run`, which does the work in a
thread, so that no query delays a call. These threads are the database's own: sounds that are being converted occupy
none of them, and reads do not queue behind writes that wait for a lock.
"""

import asyncio
import contextvars
import datetime
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from haichieu.background import Closed, retried
from haichieu.errors import EnvironmentProblem

T = TypeVar("T")

CHANGE_CHANNEL = "haichieu"
"""PostgreSQL notification channel on which every commit that wrote something is announced."""

NOTICES_SILENCE = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""Parameters of PostgreSQL connections, unless the URL names others: a server that is cut off says nothing, and by
default a quarter of an hour passes before that is noticed."""

_MIGRATIONS = Path(__file__).parent / "migrations"
"""Its `versions` are named by their revisions, each of which follows the one before."""

WRITERS = 6
READERS = 4
"""Threads of one process that `run` and `look` use."""
_CHANGED = "haichieu_changed"
"""Marks a connection whose transaction has changed a row."""
_SILENT = "haichieu_silent"
SILENTLY = {_SILENT: True}
"""Execution options of a statement whose change nobody waits for, and which comes often: it wakes no listener."""

ALONG_WITH_CHANGES: contextvars.ContextVar[Callable[[Session], None] | None] = contextvars.ContextVar(
    "along_with_changes", default=None
)
"""What to do at the end of every transaction of this context that has changed a row, as part of it."""

_READS_ONLY = "postgresql_readonly"
"""SQLAlchemy's option for READ ONLY transactions of PostgreSQL; for SQLite we enforce it ourselves."""


class UtcDateTime(sa.types.TypeDecorator[datetime.datetime]):
    """A moment. Always aware and in UTC in Python, whatever the database keeps."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:
        """Refuse naive datetimes: their offset is unknown."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without a time zone: {value!r}")
        return value.astimezone(datetime.UTC)

    def process_result_value(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:
        """Return an aware value: SQLite returns naive ones, which are UTC because only UTC is stored."""
        if value is None:
            return None
        return value.replace(tzinfo=datetime.UTC) if value.tzinfo is None else value.astimezone(datetime.UTC)


class Base(DeclarativeBase):
    """The root of every table, with constraint names that migrations can rely on."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012
        datetime.datetime: UtcDateTime,
        list[str]: sa.JSON,
        dict[str, Any]: sa.JSON,
        dict[str, str]: sa.JSON,
    }


def now() -> datetime.datetime:
    """Return the current time, aware, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def one_at_a_time(session: Session, what: str) -> None:
    """Have transactions that name the same thing pass here one after the other.

    On PostgreSQL each waits until the one before has ended; on SQLite there is only one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(what, 0))))


class Database:
    """One engine and the ways to use it: sessions to write in or only to read in, here or in a thread."""

    def __init__(self, url: str) -> None:
        given = sa.make_url(url)
        self.is_sqlite = given.get_backend_name() == "sqlite"
        self.url = given if self.is_sqlite else given.update_query_dict({**NOTICES_SILENCE, **given.query})
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgresql_engine(self.url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._readers = sessionmaker(self.engine.execution_options(**{_READS_ONLY: True}), expire_on_commit=False)
        self._writing = ThreadPoolExecutor(WRITERS, "database-write")
        self._reading = ThreadPoolExecutor(READERS, "database-read")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a transaction: committed at the end of the block, rolled back when it raises."""
        with self._sessions.begin() as session:
            yield session
            if (also := ALONG_WITH_CHANGES.get()) is not None:
                session.flush()
                if session.connection().info.get(_CHANGED):
                    also(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a read-only transaction. It never blocks on writers and never blocks them.

        Writing in it raises sqlalchemy.exc.DBAPIError.
        """
        with self._readers.begin() as session:
            yield session

    async def run(self, work: Callable[[Session], T]) -> T:
        """Do `work` in one transaction in a thread; a cancelled caller does not tear the transaction."""
        return await asyncio.shield(_in(self._writing, partial(self._in_session, work)))

    async def until_written(self, work: Callable[[Session], T]) -> T:
        """As `run`, retried while the database is locked, full or away; any other error is raised."""
        return await retried(lambda: self.run(work), sa.exc.DBAPIError, sa.exc.TimeoutError)

    async def look(self, work: Callable[[Session], T]) -> T:
        """Do `work`, which only reads, in a thread: see `reading`."""
        return await _in(self._reading, partial(self._in_reading, work))

    async def until_read(self, work: Callable[[Session], T]) -> T:
        """As `look`, retried while the database is away; any other error is raised."""
        return await retried(lambda: self.look(work), sa.exc.DBAPIError, sa.exc.TimeoutError)

    def _in_reading(self, work: Callable[[Session], T]) -> T:
        with self.reading() as session:
            return work(session)

    def _in_session(self, work: Callable[[Session], T]) -> T:
        with self.session() as session:
            return work(session)

    def forget(self, tables: Sequence[str]) -> None:
        """Remove the remains of deleted rows of these tables; call it after the commit.

        SQLite has overwritten them, and its journal is truncated; PostgreSQL vacuums the tables. An active reader
        postpones it; nothing waits.
        """
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if self.is_sqlite:
                connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
                return
            for table in tables:
                connection.exec_driver_sql(f"VACUUM {table}")

    def close(self) -> None:
        """Close every connection, when its work is done."""
        self._writing.shutdown()
        self._reading.shutdown()
        self.engine.dispose()


def _in(threads: ThreadPoolExecutor, work: Callable[[], T]) -> "asyncio.Future[T]":
    try:
        return asyncio.get_running_loop().run_in_executor(threads, contextvars.copy_context().run, work)
    except RuntimeError as refusal:  # the threads take no more work
        raise Closed from refusal


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    if url.database and url.database != ":memory:":
        folder = Path(url.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise EnvironmentProblem(
                "base.database.no_folder", folder=folder, why=problem.strerror or str(problem)
            ) from problem
    engine = sa.create_engine(
        url,
        connect_args={"timeout": 15, "isolation_level": None},
        max_overflow=-1,  # each thread may have its connection: waiting for another thread's could only time out
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=15000",
            "secure_delete=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    # The driver would begin lazily and as a reader; a reader that turns writer in mid-transaction can
    # only fail when another has written since. Transactions that may write therefore lock at once,
    # and read-only ones cannot write.
    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        reads_only = connection.get_execution_options().get(_READS_ONLY, False)
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reads_only else 'OFF'}")
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    _notice_changes(engine)

    # Part of the transaction; the file's own counter (data_version) would count the silent ones as well.
    @sa.event.listens_for(engine, "commit")
    def _announce(connection: sa.Connection) -> None:
        if connection.info.get(_CHANGED):
            cursor = connection.connection.cursor()
            cursor.execute("PRAGMA user_version")
            (number,) = cursor.fetchall()[0]
            cursor.execute(f"PRAGMA user_version={(number + 1) % 2**31}")
            cursor.close()

    return engine


def _postgresql_engine(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True)
    _notice_changes(engine)

    @sa.event.listens_for(engine, "commit")
    def _announce(connection: sa.Connection) -> None:
        if connection.info.get(_CHANGED):
            connection.exec_driver_sql(f"NOTIFY {CHANGE_CHANNEL}")

    return engine


def _notice_changes(engine: sa.Engine) -> None:
    """Mark connections whose transaction has changed a row.

    Rows count, not objects: an update that matches nothing is no change, and one without objects is. A silent
    statement is none.
    """

    @sa.event.listens_for(engine, "after_cursor_execute")
    def _count(
        connection: sa.Connection, cursor: Any, _statement: str, _values: Any, context: Any, _many: bool
    ) -> None:
        writes = context.isinsert or context.isupdate or context.isdelete
        if writes and cursor.rowcount != 0 and not context.execution_options.get(_SILENT):
            connection.info[_CHANGED] = True

    @sa.event.listens_for(engine, "begin")
    def _forget(connection: sa.Connection) -> None:
        if not connection.invalidated:  # the mark of a broken one is gone, and asking for it would hide the error
            connection.info.pop(_CHANGED, None)


@contextmanager
def without_foreign_keys(database: Database) -> Iterator[sa.Connection]:
    """Open a transaction in which SQLite may replace a referenced table; references are checked at its end."""
    with database.engine.connect() as connection:
        if database.is_sqlite:  # which accepts this only outside of transactions
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
        with connection.begin():
            yield connection
            if database.is_sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
                raise EnvironmentProblem("base.database.broken_reference", row=str(broken))
        if database.is_sqlite:
            connection.invalidate()  # the next one enforces references again


def schema_revision(connection: sa.Connection) -> str | None:
    """Return the schema revision of a database, None for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def known_revisions() -> frozenset[str]:
    """Return every schema revision that this version can upgrade from, the newest included."""
    return frozenset(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def newest_revision() -> str:
    """Return the schema revision of this version."""
    return max(known_revisions())


def migrate(url: str, revision: str = "head") -> None:
    """Upgrade the database at `url` to a revision, creating it if necessary. Raises EnvironmentProblem."""
    database = Database(url)
    try:
        if revision == "head":
            with database.engine.connect() as connection:
                if schema_revision(connection) == newest_revision():
                    return
        _upgrade(database, revision)
    except sa.exc.OperationalError as problem:
        url_shown = database.url.render_as_string(hide_password=True)
        raise EnvironmentProblem("base.database.cannot_open", url=url_shown, why=str(problem.orig)) from problem
    finally:
        database.close()


def _upgrade(database: Database, revision: str) -> None:
    # Alembic is slow to load, and at most starts there is nothing to upgrade.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    # It sees the DDL through this connection, in one transaction: a half-done migration is rolled back.
    with without_foreign_keys(database) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
