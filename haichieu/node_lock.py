"""Lock of a switchboard's name: two switchboards of one name would clear each other's broadcasts.

The lock ends with its process, however that ends: it is a locked file beside a SQLite database, which only this machine
has, and an advisory lock of a connection to PostgreSQL. Should that connection break, the lock is taken again.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator

import psycopg
import sqlalchemy as sa
import structlog

from haichieu.background import kept_going
from haichieu.database import Database
from haichieu.errors import EnvironmentProblem

log = structlog.get_logger()

WAIT_SECONDS = 5.0
"""A switchboard that was just killed may not be gone yet."""
TRY_SECONDS = 0.2
KEEP_SECONDS = 5.0


class NodeInUse(EnvironmentProblem):
    """Another switchboard of this name works on the same database."""


@contextlib.asynccontextmanager
async def node_lock(database: Database, node: str) -> AsyncIterator[None]:
    """Hold the name of a switchboard during the block. Raises NodeInUse."""
    held = _locked_file(database, node) if database.is_sqlite else _locked_connection(database, node)
    async with held:
        yield


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
async def _locked_connection(database: Database, node: str) -> AsyncIterator[None]:
    held = contextlib.AsyncExitStack()

    async def take() -> psycopg.AsyncConnection:
        await held.aclose()
        connection = await psycopg.AsyncConnection.connect(_dsn(database), autocommit=True)
        await held.enter_async_context(connection)
        for attempt in range(round(WAIT_SECONDS / TRY_SECONDS) + 1):
            await asyncio.sleep(TRY_SECONDS if attempt else 0)
            answer = await connection.execute("SELECT pg_try_advisory_lock(%s)", [_number(node)])
            if await answer.fetchone() == (True,):
                return connection
        raise NodeInUse("base.node_in_use", node=node)

    async with held:
        connection = await take()

        async def keep() -> None:
            nonlocal connection
            while True:
                await asyncio.sleep(KEEP_SECONDS)
                try:
                    await connection.execute(sa.text("SELECT 1").text)
                except psycopg.Error as problem:
                    log.warning("node_lock.lost", node=node, problem=type(problem).__name__)
                    connection = await take()

        async with kept_going(keep):
            yield


def _dsn(database: Database) -> str:
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _number(node: str) -> int:
    """Return the number of an advisory lock, which PostgreSQL takes as a signed integer of eight bytes."""
    return int.from_bytes(hashlib.sha256(f"switchboard:{node}".encode()).digest()[:8], "big", signed=True)
