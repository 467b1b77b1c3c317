"""Transcription jobs: the worker transcribes voice messages one at a time.

The engine works in a thread of its own while the lease is extended. Stopping the worker waits for the current piece of
sound, at most half a minute; the lease of a killed worker runs out.
"""

import asyncio
import datetime
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.models import Message
from feedback.transcription.confidence import Understood
from feedback.transcription.engine import Engine
from feedback.transcription.errors import EngineUnusable, SoundUnusable
from feedback.transcription.recognition import understand_file
from feedback.transcription.station_names import Names, station_names
from feedback.transcription.transcribing import (
    REPAIRED_AFTER,
    did_not_work,
    engine_is_down,
    engine_is_up,
    give_up,
    write_down,
)
from haichieu.background import result_of
from haichieu.database import Database, now
from haichieu.errors import shown
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim, ClaimLost, Job
from haichieu.media import MediaStore

log = structlog.get_logger()

LEASE = datetime.timedelta(seconds=60)
NICENESS = 10
"""Calls on the same machine come first."""


class TranscriptionJobs(JobRunner):
    """Transcribes voice messages with one engine; without one, messages wait."""

    kinds = (job_kinds.TRANSCRIBE,)
    lease = LEASE

    def __init__(
        self, database: Database, store: MediaStore, engine: Engine | None, names: Names = station_names
    ) -> None:
        super().__init__(database)
        self._store, self._engine, self._names = store, engine, names
        self._thread = ThreadPoolExecutor(1, "transcription", initializer=_give_way)
        self._broken_until: datetime.datetime | None = None
        self._is_up = False

    async def run(self) -> None:
        """Work until cancelled."""
        if self._engine is None:
            log.info("transcription.off")
            return
        await super().run()

    def claim(self, session: Session, most: int) -> list[Claim]:
        """Claim the message that has waited longest, unless there is no engine or it is broken."""
        if self._engine is None or (self._broken_until is not None and now() < self._broken_until):
            return []
        return super().claim(session, most)

    def give_up(self, session: Session, job: Job) -> None:
        """Leave the message to a person, with an alarm."""
        give_up(session, job, now())

    async def next_due(self) -> datetime.datetime | None:
        """Return when a message is due, but not before the engine is tried again."""
        due = await super().next_due()
        return max(due, self._broken_until) if due and self._broken_until else due

    async def handle(self, claim: Claim) -> None:
        """Transcribe one message."""
        engine = self._engine
        if engine is None:
            raise RuntimeError("a job was claimed without an engine")
        try:
            recording, language, names = await self._database.look(lambda session: self._recording(session, claim))
            understood = await self._understand(engine, recording, language, names)
        except ClaimLost:
            raise
        except EngineUnusable as problem:
            reason: Exception = problem
            self._broken_until, self._is_up = now() + REPAIRED_AFTER, False
            await self._database.run(lambda session: engine_is_down(session, claim, reason, now()))
        except Exception as problem:
            reason = problem
            log.warning(
                "transcription.failed", message=claim.subject_id, attempt=claim.attempts, problem=shown(problem)
            )
            await self._database.run(lambda session: did_not_work(session, claim, reason, now()))
        else:
            await self._database.run(lambda session: self._settle(session, claim, engine, understood))
            self._is_up = True

    async def _understand(self, engine: Engine, recording: Path, language: str, names: list[str]) -> Understood:
        stop = threading.Event()

        def work() -> Understood:
            if engine.knows(language):
                engine.load()
            return understand_file(engine, recording, language, stop, names)

        thread = asyncio.get_running_loop().run_in_executor(self._thread, work)
        return await result_of(thread, stop.set)

    def _recording(self, session: Session, held: Claim) -> tuple[Path, str, list[str]]:
        message = session.get_one(Message, held.subject_id)
        path = self._store.path(message.sound) if message.sound is not None else None
        if path is None or not path.is_file():
            raise SoundUnusable("transcript.sound_missing", name=path.name if path else "–")
        return path, message.language, self._names(session)

    def _settle(self, session: Session, held: Claim, engine: Engine, understood: Understood) -> None:
        write_down(session, held, understood, engine.name, engine.model, now())
        if not self._is_up:
            engine_is_up(session)


def _give_way() -> None:
    thread = threading.get_native_id()
    # A worker that was started with less priority may not raise it.
    os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))
