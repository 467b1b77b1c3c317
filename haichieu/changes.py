"""Learning within a fraction of a second that another process has written to the database.

It says only *that* something was committed, never what: whoever waits looks at the rows it cares for.
A missed notice costs one idle interval, never a lost wish.
"""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import psycopg
import sqlalchemy as sa
import structlog

from haichieu.background import in_background
from haichieu.database import CHANGE_CHANNEL, Database, now

log = structlog.get_logger()

SQLITE_POLL_SECONDS = 0.2
AWAY_SECONDS = 1.0
IDLE_SECONDS = 30.0
"""Look at the rows this often even when nothing was announced."""

NextHour = Callable[[], Awaitable[datetime.datetime | None]]


async def changes(database: Database) -> AsyncIterator[None]:
    """Yield once at the start, then after every commit by anyone (several may be told as one).

    Never ends by itself; survives the loss of the database connection.
    """
    yield
    watcher = _sqlite_changes(database) if database.is_sqlite else _postgresql_changes(database)
    async with contextlib.aclosing(watcher):
        async for _ in watcher:
            yield


async def changes_and_hours(database: Database, next_hour: NextHour) -> AsyncIterator[None]:
    """Yield as `changes` does, and also when the next hour has come, which `next_hour` is asked for each time.

    An hour that is past already counts as come; whoever waits must see to it that it does not stay the next one.
    """
    async with _news(database) as news:
        while True:
            await _first_of(news, await _asked(next_hour))
            yield


async def hours(database: Database, next_hour: NextHour) -> AsyncIterator[None]:
    """Yield when the next hour has come, for whoever has nothing to do before it; a commit may bring an earlier one.

    `next_hour` is asked after every commit, so it should only read (`Database.look`). An hour that is past already
    counts as come; whoever waits must see to it that it does not stay the next one.
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
    """An event that every commit sets."""
    news = asyncio.Event()

    async def listen() -> None:
        async for _ in changes(database):
            news.set()

    async with in_background(listen()):
        yield news


async def _asked(next_hour: NextHour) -> datetime.datetime | None:
    """The next hour; while the database is away, nothing is due: what goes on already must not end for that."""
    while True:
        try:
            return await next_hour()
        except sa.exc.DBAPIError as problem:
            log.warning("database.away", problem=str(problem.orig))
        await asyncio.sleep(AWAY_SECONDS)


async def _first_of(news: asyncio.Event, hour: datetime.datetime | None) -> None:
    """Wait for news, which are none afterwards, or for the hour."""
    seconds = max((hour - now()).total_seconds(), 0.0) if hour else None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
    news.clear()


async def _sqlite_changes(database: Database) -> AsyncGenerator[None, None]:
    # data_version changes only when *another* connection commits, so this one must be kept and never write.
    connection = await asyncio.to_thread(database.engine.raw_connection)
    try:
        cursor = connection.cursor()
        last, waited = -1, 0.0
        while True:
            cursor.execute("PRAGMA data_version")
            (version,) = cursor.fetchone() or (last,)
            if version != last or waited >= IDLE_SECONDS:
                last, waited = version, 0.0
                yield
            await asyncio.sleep(SQLITE_POLL_SECONDS)
            waited += SQLITE_POLL_SECONDS
    finally:
        connection.close()


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
        except psycopg.OperationalError:
            await asyncio.sleep(AWAY_SECONDS)
