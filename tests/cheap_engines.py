"""Database engines that know the SQL of the tests before, and wait for no disk.

SQLAlchemy keeps compiled statements per engine. The station has one engine per process, the tests one per test.
"""

import contextlib
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.util import LRUCache

from haichieu import database

STATEMENTS = 5_000

_dialects: dict[str, sa.Dialect] = {}
_compiled: LRUCache[object, object] = LRUCache(STATEMENTS)


def use_cheap_engines() -> None:
    """Let all engines that this process makes share their compiled statements, and SQLite's commit into memory."""
    database._sqlite_engine = _without_disk(_sharing(database._sqlite_engine))
    database._postgresql_engine = _sharing(database._postgresql_engine)


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
