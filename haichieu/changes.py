"""Notification within a fraction of a second that another process has written to the database.

It reports only *that* something was committed: the waiting code looks up the rows it needs. A missed notification
delays work by one idle interval and loses nothing.
"""

import asyncio
import contextlib
import datetime
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import psycopg
import sqlalchemy as sa
import structlog

from haichieu.background import for_ever, kept_going
from haichieu.database import CHANGE_CHANNEL, Database, now
from haichieu.errors import shown

log = structlog.get_logger()

SQLITE_POLL_SECONDS = 0.05
"""A look every 20 ms would cost each process a hundredth of a core while nothing happens."""
SQLITE_PAUSE_SECONDS = 0.2
"""The least time between two notices: a broadcast on air commits several times a second."""
AWAY_SECONDS = 1.0
IDLE_SECONDS = 30.0
"""Look at the rows this often even when nothing was announced."""

NextHour = Callable[[], Awaitable[datetime.datetime | None]]


_Key = tuple[int, int]
_watches: dict[_Key, "_Watch"] = {}
"""One for each database and event loop, while anybody waits there."""


class _Watch:
    """Tells all who wait of each commit."""

    def __init__(self, database: Database) -> None:
        self.waiting: set[asyncio.Event] = set()
        self._database, self._loop = database, asyncio.get_running_loop()  # kept, so that no others get their ids
        self._task = asyncio.create_task(for_ever(self._run))

    async def _run(self) -> None:
        database = self._database
        watcher = _sqlite_changes(database) if database.is_sqlite else _postgresql_changes(database)
        async with contextlib.aclosing(watcher):
            async for _ in watcher:
                for news in self.waiting:
                    news.set()

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


@contextlib.asynccontextmanager
async def _watching(database: Database) -> AsyncIterator[asyncio.Event]:
    """Yield an event that every commit sets from now on."""
    key = (id(database), id(asyncio.get_running_loop()))
    watch = _watches.get(key) or _Watch(database)
    _watches[key] = watch
    news = asyncio.Event()
    watch.waiting.add(news)
    try:
        yield news
    finally:
        watch.waiting.discard(news)
        if not watch.waiting:
            del _watches[key]
            await watch.end()


async def changes(database: Database) -> AsyncIterator[None]:
    """Yield once at the start, then after every commit; several commits may be reported as one.

    Never ends by itself; survives the loss of the database and every other error of it. All who wait in one event loop
    share one connection.
    """
    async with _watching(database) as news:
        yield
        while True:
            await news.wait()
            news.clear()
            yield


async def changes_and_hours(database: Database, next_hour: NextHour) -> AsyncIterator[None]:
    """Yield as `changes` does, and also at the next due time, which `next_hour` returns each time.

    A past due time yields at once; the caller must then change it, or it yields again.
    """
    async with _news(database) as news:
        while True:
            await _first_of(news, await _asked(next_hour))
            yield


async def hours(database: Database, next_hour: NextHour) -> AsyncIterator[None]:
    """Yield only at the next due time, which a commit may bring forward.

    `next_hour` is called after every commit, so it should only read (`Database.look`). A past due time yields at
    once; the caller must then change it, or it yields again.
    """
    async with _news(database) as news:
        while True:
            hour = await _asked(next_hour)
            if hour is not None and hour <= now():
                yield
            else:
                await _first_of(news, hour)


@contextlib.asynccontextmanager
async def _news(database: Database) -> AsyncIterator[asyncio.Event]:
    """Yield an event that every commit sets."""
    news = asyncio.Event()

    async def listen() -> None:
        async for _ in changes(database):
            news.set()

    async with kept_going(listen):
        yield news


async def _asked(next_hour: NextHour) -> datetime.datetime | None:
    """Return the next due time; nothing is due while the database is away, so that current work continues."""
    while True:
        try:
            return await next_hour()
        except sa.exc.SQLAlchemyError as problem:
            log.warning("database.away", problem=shown(problem))
        await asyncio.sleep(AWAY_SECONDS)


async def _first_of(news: asyncio.Event, hour: datetime.datetime | None) -> None:
    """Wait for a notification, and clear it, or for the due time."""
    seconds = max((hour - now()).total_seconds(), 0.0) if hour else None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
    news.clear()


async def _sqlite_changes(database: Database) -> AsyncGenerator[None, None]:
    # A connection of its own: the work needs those of the pool.
    while True:
        try:
            with contextlib.closing(sqlite3.connect(database.url.database or "", isolation_level=None)) as connection:
                last, waited = -1, 0.0
                while True:
                    (version,) = connection.execute("PRAGMA user_version").fetchone()
                    if version == last and waited < IDLE_SECONDS:
                        await asyncio.sleep(SQLITE_POLL_SECONDS)
                        waited += SQLITE_POLL_SECONDS
                        continue
                    last, waited = version, 0.0
                    yield
                    await asyncio.sleep(SQLITE_PAUSE_SECONDS)
        except sqlite3.Error as problem:
            log.warning("changes.database_away", problem=str(problem))
        await asyncio.sleep(AWAY_SECONDS)


async def _postgresql_changes(database: Database) -> AsyncGenerator[None, None]:
    dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
                await connection.execute(sa.text(f"LISTEN {CHANGE_CHANNEL}").text)
                yield
                while True:
                    async for _notice in connection.notifies(timeout=IDLE_SECONDS, stop_after=1):
                        pass
                    yield
        except psycopg.Error as problem:
            log.warning("changes.database_away", problem=type(problem).__name__)
        await asyncio.sleep(AWAY_SECONDS)
