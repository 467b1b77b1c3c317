"""The nightly backup: a job of the worker that is due again after each run, with retention and an alarm."""

import asyncio
import datetime
import threading
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import structlog
from sqlalchemy.orm import Session

from haichieu import jobs
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.background import kept_going, result_of
from haichieu.backup.backing_up import SUBJECT, last_backup, make_backup
from haichieu.backup.errors import BackupFailed
from haichieu.database import Database, now
from haichieu.errors import message_of, shown
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim
from haichieu.locale import Message, message
from haichieu.settings import Settings
from haichieu.station import the_station

log = structlog.get_logger()

ACTOR = "nightly backup"
KIND = "backup"
THE_ONE = 1
AGAIN = datetime.timedelta(hours=1)
TOO_OLD = datetime.timedelta(hours=49)
"""Two nights without a backup."""
LOOK_SECONDS = 3600.0
PATTERN = "haichieu-*.backup"


class BackupStopped(BackupFailed):
    """The worker ends in the middle of a backup; the next one makes it."""


class BackupJobs(JobRunner):
    """Makes a backup every night, in the folder and at the time that the settings say."""

    kinds: ClassVar[Sequence[str]] = (KIND,)
    lease = datetime.timedelta(minutes=5)

    def __init__(self, database: Database, settings: Settings, folder: Path) -> None:
        super().__init__(database)
        self._settings = settings
        self._folder = folder
        self._stop = threading.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._database.run(self.plan)
        async with kept_going(self._watch_age):
            await super().run()

    def plan(self, session: Session) -> None:
        """Plan the next backup; one that was due while the station was off is made now."""
        job = jobs.find(session, KIND, THE_ONE)
        overdue = job is not None and job.state == jobs.JobState.WAITING and job.due_at <= now()
        if not overdue:
            jobs.renew(session, KIND, THE_ONE, next_night(session, self._settings.backup_hour, now()))

    async def handle(self, claim: Claim) -> None:
        """Make a backup, delete the oldest ones, and plan the next; after a failure try again in an hour."""
        try:
            await self._make()
        except Exception as problem:
            log.warning("backup.failed", problem=shown(problem))
            why = message_of(problem)
            await self._database.run(lambda session: self._put_off(session, claim, why))
            return
        self._delete_old()
        await self._database.run(lambda session: self._settle(session, claim))

    async def _make(self) -> None:
        self._stop.clear()
        stamp = now().strftime("%Y%m%d-%H%M%S")
        target = self._folder / PATTERN.replace("*", stamp)
        database, settings = self._database, self._settings
        thread = asyncio.get_running_loop().run_in_executor(
            None, lambda: make_backup(database, settings, target, settings.backup_passphrase, ACTOR, self._proceed)
        )
        made = await result_of(thread, self._stop.set)
        log.info("backup.made", file=target.name, bytes=made.bytes, media=made.media, missing=len(made.missing))

    def _proceed(self) -> None:
        if self._stop.is_set():
            raise BackupStopped("backup.stopped")

    def _delete_old(self) -> None:
        for old in sorted(self._folder.glob(PATTERN))[: -self._settings.backup_keep]:
            old.unlink(missing_ok=True)

    def _settle(self, session: Session, claim: Claim) -> None:
        alarm_is_over(session, AlarmKind.BACKUP_FAILED, SUBJECT)
        jobs.put_off(session, claim, next_night(session, self._settings.backup_hour, now()), None, counts=False)

    def _put_off(self, session: Session, claim: Claim, why: Message) -> None:
        raise_alarm(session, AlarmKind.BACKUP_FAILED, SUBJECT, message("backup.alarm.failed", why=why))
        jobs.put_off(session, claim, now() + AGAIN, why, counts=False)

    async def _watch_age(self) -> None:
        """Raise an alarm when the newest backup is too old, whatever kept the job from being done."""
        started = now()
        while True:
            await self._database.run(lambda session: check_age(session, started, now()))
            await asyncio.sleep(LOOK_SECONDS)


def check_age(session: Session, started: datetime.datetime, at: datetime.datetime) -> None:
    """Raise an alarm when there was no backup for two nights, counted from the start if there never was one."""
    last = last_backup(session)
    if at - (last or started) > TOO_OLD:
        since = last or message("backup.never")
        raise_alarm(session, AlarmKind.BACKUP_FAILED, SUBJECT, message("backup.alarm.old", since=since))


def next_night(session: Session, hour: int, at: datetime.datetime) -> datetime.datetime:
    """Return the next time after `at` at which the station's clock shows this hour."""
    clock = zoneinfo.ZoneInfo(the_station(session).timezone)
    today = at.astimezone(clock).replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today > at else today + datetime.timedelta(days=1)
