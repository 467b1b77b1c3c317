"""Lock of a switchboard's name: two switchboards of one name would clear each other's broadcasts.

The lock ends with its process, however that ends: it is a locked file beside a SQLite database, which only this machine
has, and an advisory lock of a connection to PostgreSQL. Should that connection break, the lock is taken again. The same
connection announces the node (`nodes`) and measures its clock, without a notification for every process.
"""

import asyncio
import contextlib
import datetime
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator
from typing import LiteralString

import psycopg
import structlog

from haichieu.background import kept_going
from haichieu.database import Database, now
from haichieu.errors import EnvironmentProblem
from haichieu.node_clock import NodeClock, Reading
from haichieu.nodes import BEAT_SECONDS, Announcement

log = structlog.get_logger()

WAIT_SECONDS = 5.0
"""A switchboard that was just killed may not be gone yet."""
TRY_SECONDS = 0.2
READINGS = 3
"""Of so many readings of the clock the quickest counts."""

ANNOUNCE: LiteralString = """
INSERT INTO nodes (name, address, sip, version, revision, clock_offset, seen_at, left_at)
VALUES (%(name)s, %(address)s, %(sip)s, %(version)s, %(revision)s, %(offset)s, clock_timestamp(), NULL)
ON CONFLICT (name) DO UPDATE SET address = excluded.address, sip = excluded.sip, version = excluded.version,
  revision = excluded.revision, clock_offset = excluded.clock_offset, seen_at = excluded.seen_at, left_at = NULL
"""
LEAVE: LiteralString = "UPDATE nodes SET left_at = clock_timestamp() WHERE name = %s"


class NodeInUse(EnvironmentProblem):
    """Another switchboard of this name works on the same database."""


@contextlib.asynccontextmanager
async def node_lock(database: Database, about: Announcement, clock: NodeClock) -> AsyncIterator[None]:
    """Hold the name of a switchboard during the block, and announce it. Raises NodeInUse."""
    held = _locked_file(database, about.name) if database.is_sqlite else _locked_connection(database, about, clock)
    async with held:
        yield


async def require_free_name(database: Database, name: str) -> None:
    """Raise NodeInUse when another switchboard of this name works on a PostgreSQL database."""
    if database.is_sqlite:
        return
    async with await psycopg.AsyncConnection.connect(_dsn(database), autocommit=True) as connection:
        await _take(connection, name)


@contextlib.asynccontextmanager
async def _locked_file(database: Database, node: str) -> AsyncIterator[None]:
    file = os.open(f"{database.url.database}.{node}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for attempt in range(round(WAIT_SECONDS / TRY_SECONDS) + 1):
            await asyncio.sleep(TRY_SECONDS if attempt else 0)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
        else:
            raise NodeInUse("base.node_in_use", node=node)
        yield
    finally:
        os.close(file)


@contextlib.asynccontextmanager
async def _locked_connection(database: Database, about: Announcement, clock: NodeClock) -> AsyncIterator[None]:
    held = contextlib.AsyncExitStack()

    async def take() -> psycopg.AsyncConnection:
        await held.aclose()
        connection = await psycopg.AsyncConnection.connect(_dsn(database), autocommit=True)
        await held.enter_async_context(connection)
        await _take(connection, about.name)
        await _beat(connection, about, clock)
        return connection

    async with held:
        connection = await take()

        async def keep() -> None:
            nonlocal connection
            while True:
                await asyncio.sleep(BEAT_SECONDS)
                try:
                    await _beat(connection, about, clock)
                except psycopg.Error as problem:
                    log.warning("node_lock.lost", node=about.name, problem=type(problem).__name__)
                    connection = await take()

        try:
            async with kept_going(keep):
                yield
        finally:
            with contextlib.suppress(psycopg.Error):
                await connection.execute(LEAVE, [about.name])


async def _take(connection: psycopg.AsyncConnection, name: str) -> None:
    for attempt in range(round(WAIT_SECONDS / TRY_SECONDS) + 1):
        await asyncio.sleep(TRY_SECONDS if attempt else 0)
        answer = await connection.execute("SELECT pg_try_advisory_lock(%s)", [_number(name)])
        if await answer.fetchone() == (True,):
            return
    raise NodeInUse("base.node_in_use", node=name)


async def _beat(connection: psycopg.AsyncConnection, about: Announcement, clock: NodeClock) -> None:
    clock.take([await _read_clock(connection) for _ in range(READINGS)])
    await connection.execute(ANNOUNCE, vars(about) | {"offset": clock.offset})


async def _read_clock(connection: psycopg.AsyncConnection) -> Reading:
    before = now()
    row = await (await connection.execute("SELECT clock_timestamp()")).fetchone()
    after = now()
    theirs: datetime.datetime = row[0] if row else after
    return Reading(before, theirs, after)


def _dsn(database: Database) -> str:
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _number(node: str) -> int:
    """Return the number of an advisory lock, which PostgreSQL takes as a signed integer of eight bytes."""
    return int.from_bytes(hashlib.sha256(f"switchboard:{node}".encode()).digest()[:8], "big", signed=True)
