"""Logs and alarms show what failed, and nothing that a citizen wrote or dialled."""

import asyncio
import io
import logging
import sys
from collections.abc import Iterator
from typing import cast

import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from feedback.models import Message
from haichieu.alarms import open_alarms
from haichieu.ari.client import AriClient
from haichieu.background import in_background
from haichieu.database import Database, now
from haichieu.errors import EnvironmentProblem, shown
from haichieu.locale import render
from haichieu.logs import configure_logs, described
from haichieu.recording_intake import RecordingIntake

WORDS, NUMBER = "Cầu treo Cô Ba hỏng", "+84912345678"


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a process writes to standard error."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    configure_logs("info", "test")
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def write(session: Session) -> None:
    """Fail to store what a citizen wrote: it belongs to no case, which PostgreSQL answers with the whole row."""
    said = {"direction": "in", "channel": "text", "author": NUMBER, "text": WORDS, "at": now()}
    session.execute(sa.insert(Message).values(case_id=None, **said))


class BrokenKind:
    """Recordings whose words cannot be stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_still(self, name: str) -> bool:
        return True

    def take_in(self, name: str) -> str | None:
        with self._database.session() as session:
            write(session)
        return None


def assert_silent(text: str) -> None:
    assert not [part for part in (WORDS, "Cầu treo", NUMBER, "912345678") if part in text]


@pytest.mark.both_databases
async def test_failed_write_is_logged_without_its_values(database: Database, logged: io.StringIO) -> None:
    async with in_background(database.run(write)):
        async with asyncio.timeout(10):
            while "background.failed" not in logged.getvalue():  # noqa: ASYNC110 (nothing tells of a log line)
                await asyncio.sleep(0.01)
    with pytest.raises(sa.exc.IntegrityError) as failure:
        await database.run(write)
    logging.getLogger("library").error("failed", exc_info=failure.value)
    sys.excepthook(failure.type, failure.value, failure.tb)
    text = logged.getvalue()
    assert ("background.failed" in text, "library: failed" in text, "process.failed" in text) == (True,) * 3
    assert "IntegrityError" in text or "NotNullViolation 23502" in text
    assert "test_logs.py" in text
    assert_silent(text)


@pytest.mark.both_databases
def test_alarm_about_a_failed_write_shows_no_values(database: Database, logged: io.StringIO) -> None:
    RecordingIntake(cast(AriClient, None), database, ())._take_in(BrokenKind(database), "left-1.5")  # type: ignore[arg-type]
    with database.session() as session:
        texts = [render(alarm.text, "vi") for alarm in open_alarms(session)]
    assert len(texts) == 1
    assert_silent(f"{texts} {logged.getvalue()}")


@pytest.mark.both_databases
def test_error_of_the_database_hides_its_parameters(database: Database) -> None:
    refused = sa.exc.OperationalError if database.is_sqlite else sa.exc.ProgrammingError
    with pytest.raises(refused) as failure, database.session() as session:
        session.execute(sa.text("SELECT :words FROM no_such_table"), {"words": WORDS})
    assert_silent(str(failure.value))


async def test_error_that_asyncio_reports_is_shown_by_its_kind(logged: io.StringIO) -> None:
    loop = asyncio.get_running_loop()
    loop.call_exception_handler(
        {"message": "Task exception was never retrieved", "future": WORDS, "exception": ValueError(WORDS)}
    )
    text = logged.getvalue()
    assert ("never retrieved" in text, "ValueError" in text) == (True, True)
    assert_silent(text)


def test_described_error_shows_its_causes_and_parts() -> None:
    try:
        try:
            raise KeyError(WORDS)
        except KeyError as cause:
            raise ExceptionGroup(
                "several", [EnvironmentProblem("base.database.no_folder", folder="a", why="b")]
            ) from cause
    except ExceptionGroup as group:
        text = described(group)
    assert ("KeyError" in text, "which led to:" in text, "EnvironmentProblem: " in text) == (True, True, True)
    assert_silent(text)


def test_error_without_a_message_of_ours_is_shown_by_its_kind() -> None:
    assert shown(ValueError(WORDS)) == "ValueError"
    assert shown(OSError(28, "No space left on device")) == "No space left on device"
    assert shown(EnvironmentProblem("base.database.no_folder", folder="a", why="b")) != "EnvironmentProblem"
