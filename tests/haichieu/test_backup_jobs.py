"""The nightly backup: when it is made, how many are retained, and when an alarm is raised."""

import asyncio
import contextlib
import datetime
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from haichieu import audit, jobs
from haichieu.alarms import open_alarms
from haichieu.backup.backup_jobs import KIND, THE_ONE, TOO_OLD, BackupJobs, check_age, next_night
from haichieu.database import Database, now
from haichieu.demo.trial_station import until
from haichieu.jobs import Job
from haichieu.locale import render
from haichieu.settings import load_settings

MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


@pytest.fixture
def nightly(database: Database, folder: Path, tmp_path: Path) -> BackupJobs:
    """A worker's runner whose backup is due."""
    url = database.url.render_as_string(hide_password=False)
    settings = load_settings(home=tmp_path / "home", database_url=url, backup_keep=2, min_free_megabytes=0)
    with database.session() as session:
        jobs.add(session, KIND, THE_ONE, now() - MINUTE)
    return BackupJobs(database, settings, folder)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def make_again(folder: Path) -> None:
    folder.mkdir()


def job(database: Database) -> Job:
    with database.session() as session:
        return session.scalars(sa.select(Job).where(Job.kind == KIND)).one()


def alarms(database: Database) -> list[str]:
    with database.session() as session:
        return [render(alarm.text, "en") for alarm in open_alarms(session)]


async def test_backup_is_made_and_the_oldest_deleted(database: Database, nightly: BackupJobs, folder: Path) -> None:
    for day in ("20200101", "20200102"):
        (folder / f"haichieu-{day}-020000.backup").touch()
    (folder / "letter.txt").touch()
    assert await nightly.step() == 1
    names = names_in(folder)
    assert names[0] == "haichieu-20200102-020000.backup"
    assert len(names) == 3
    assert names[-1] == "letter.txt"
    assert job(database).due_at > now()
    assert job(database).state == "waiting"
    assert await nightly.step() == 0


async def test_failure_raises_an_alarm_and_is_tried_again(
    database: Database, nightly: BackupJobs, folder: Path
) -> None:
    shutil.rmtree(folder)
    for _ in range(jobs.MOST_ATTEMPTS + 1):
        assert await nightly.step() == 1
        waiting = job(database)
        assert (waiting.state, waiting.due_at > now() + 50 * MINUTE) == ("waiting", True)
        with database.session() as session:
            session.execute(sa.update(Job).values(due_at=now()))
    assert len(alarms(database)) == 1
    assert "backup failed" in alarms(database)[0]
    make_again(folder)
    assert await nightly.step() == 1
    assert alarms(database) == []


def test_old_or_missing_backup_raises_an_alarm(database: Database) -> None:
    started = now()
    with database.session() as session:
        check_age(session, started, started + TOO_OLD - MINUTE)
    assert alarms(database) == []
    with database.session() as session:
        check_age(session, started, started + TOO_OLD + MINUTE)
    assert alarms(database) == ["The latest backup is too old: there is no backup yet."]


def test_recent_backup_by_hand_counts(database: Database) -> None:
    with database.session() as session:
        audit.record(session, "test", "backup.make", "backup", bytes=1, encrypted=True)
    with database.session() as session:
        check_age(session, now() - 2 * TOO_OLD, now() + TOO_OLD - MINUTE)
    assert alarms(database) == []
    with database.session() as session:
        check_age(session, now(), now() + TOO_OLD + MINUTE)
    assert len(alarms(database)) == 1


def test_next_night_follows_the_stations_clock(database: Database) -> None:
    with database.session() as session:
        for at, expected in (("2026-11-24T18:59", "2026-11-24T19:00"), ("2026-11-24T19:00", "2026-11-25T19:00")):
            moment = datetime.datetime.fromisoformat(f"{at}+00:00")
            assert next_night(session, 2, moment) == datetime.datetime.fromisoformat(f"{expected}+00:00")


def test_plan_follows_the_settings_and_keeps_a_missed_backup(database: Database, nightly: BackupJobs) -> None:
    with database.session() as session:
        nightly.plan(session)
    assert job(database).due_at < now(), "it was missed while the station was off"
    with database.session() as session:
        session.execute(sa.update(Job).values(due_at=now() + 10_000 * MINUTE))
        nightly.plan(session)
    assert job(database).due_at < now() + 1441 * MINUTE


async def test_worker_makes_a_backup_that_is_due(database: Database, nightly: BackupJobs, folder: Path) -> None:
    working = asyncio.create_task(nightly.run())
    await until(lambda: len(names_in(folder)) == 1 and job(database).state == "waiting", "a backup")
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    assert alarms(database) == []
