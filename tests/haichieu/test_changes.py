"""Change notification that survives errors of the database."""

import asyncio
import contextlib
import datetime
import functools
import sqlite3
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy.orm import Session

from haichieu import background, changes
from haichieu.changes import changes_and_hours
from haichieu.database import CHANGE_CHANNEL, Database, now
from haichieu.heartbeats import beat, latest
from haichieu.people import Unit
from haichieu.sign_in_counters import Attempt, Lock, Refusal, Subject, begin
from haichieu.vault import Vault

DEADLINE_SECONDS = 10.0


class FaultyDisk:
    """SQLite on a disk that fails once; the next connection works."""

    def __init__(self) -> None:
        self.is_faulty = False
        self.failed = asyncio.Event()

    def connect(self, *args: Any, **options: Any) -> sqlite3.Connection:
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, *statement: Any) -> sqlite3.Cursor:
                if disk.is_faulty:
                    disk.is_faulty = False
                    disk.failed.set()
                    raise sqlite3.OperationalError("disk I/O error")
                return super().execute(*statement)

        return sqlite3.connect(*args, **options, factory=Connection)


async def nothing_due() -> datetime.datetime | None:
    return None


def commit(database: Database) -> None:
    name = uuid.uuid4().hex
    with database.session() as session:
        session.add(Unit(code=name, name=name, level="commune"))


async def test_listeners_hear_of_commits_after_a_disk_error(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not database.is_sqlite:
        pytest.skip("the fault is SQLite's")
    disk = FaultyDisk()
    monkeypatch.setattr(changes, "sqlite3", SimpleNamespace(connect=disk.connect, Error=sqlite3.Error))
    monkeypatch.setattr(changes, "AWAY_SECONDS", 0.0)
    news = changes_and_hours(database, nothing_due)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await anext(news)
        disk.is_faulty = True
        await disk.failed.wait()
        await anext(news)  # what was committed meanwhile may have been missed, so everyone looks again
        heard = asyncio.ensure_future(anext(news))
        commit(database)
        await heard
    await news.aclose()  # type: ignore[attr-defined]


async def test_listeners_hear_of_commits_after_an_unexpected_error(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "AGAIN_SECONDS", 0.0)
    real, failures = changes.changes, [ZeroDivisionError()]

    async def weak(watched: Database) -> Any:
        if failures:
            raise failures.pop()
        async for _ in real(watched):
            yield

    monkeypatch.setattr(changes, "changes", weak)
    news = changes_and_hours(database, nothing_due)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await anext(news)
        heard = asyncio.ensure_future(anext(news))
        while not heard.done():  # PostgreSQL's listener may come up later than the first commit
            commit(database)
            await asyncio.wait([heard], timeout=0.5)
    await news.aclose()  # type: ignore[attr-defined]


async def test_all_who_wait_in_one_loop_share_a_connection(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if not database.is_sqlite:
        pytest.skip("counted on SQLite")
    opened: list[sqlite3.Connection] = []

    def connect(*args: Any, **options: Any) -> sqlite3.Connection:
        opened.append(sqlite3.connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr(changes, "sqlite3", SimpleNamespace(connect=connect, Error=sqlite3.Error))
    async with asyncio.timeout(DEADLINE_SECONDS):
        for _ in range(2):  # the second time after all have left
            opened.clear()
            waiting = [changes.changes(database) for _ in range(3)]
            for one in waiting:
                await anext(one)
            await waiting[0].aclose()
            for one in waiting[1:]:
                await anext(one)
            commit(database)
            await asyncio.gather(*(anext(one) for one in waiting[1:]))
            assert len(opened) == 1
            for one in waiting[1:]:
                await one.aclose()


def announces(database: Database, work: Callable[[Session], None]) -> bool:
    """Return whether listeners are woken when this is committed."""
    return (_announces_in_file if database.is_sqlite else _announces_by_server)(database, work)


def _announces_in_file(database: Database, work: Callable[[Session], None]) -> bool:
    with contextlib.closing(sqlite3.connect(database.url.database or "")) as connection:
        before = connection.execute("PRAGMA user_version").fetchone()
        with database.session() as session:
            work(session)
        return bool(connection.execute("PRAGMA user_version").fetchone() != before)


def _announces_by_server(database: Database, work: Callable[[Session], None]) -> bool:
    dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANGE_CHANNEL}")
        with database.session() as session:
            work(session)
        connection.execute(f"NOTIFY {CHANGE_CHANNEL}, 'last'")
        heard = next(connection.notifies(timeout=DEADLINE_SECONDS))
    return heard.payload != "last"


@pytest.mark.both_databases
def test_heartbeat_that_says_nothing_new_wakes_nobody(database: Database) -> None:
    assert announces(database, lambda session: beat(session, "worker", voices="vi: one"))
    with database.session() as session:
        first = latest(session)["worker"].at
    assert not announces(database, lambda session: beat(session, "worker", voices="vi: one"))
    with database.session() as session:
        assert latest(session)["worker"].at > first
    assert announces(database, lambda session: beat(session, "worker", voices="vi: two"))


@pytest.mark.both_databases
def test_attempt_to_sign_in_that_is_refused_or_counted_wakes_nobody(database: Database) -> None:
    vault = Vault(Fernet.generate_key())
    account = Subject("account", Lock(1))
    for expected in (Attempt, Refusal):
        found: list[Attempt | Refusal] = []
        attempt = functools.partial(begin, vault=vault, checked=[account], at=now())
        assert not announces(database, lambda session, found=found, attempt=attempt: found.append(attempt(session)))
        assert [type(one) for one in found] == [expected]
