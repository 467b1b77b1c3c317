"""Large files of broadcast drafts, converted in the background by a job of the worker.

The file is stored before the page answers. A small file takes no longer than a page may take, and is converted at once.
"""

import datetime
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.broadcast_drafts import CONVERT_DRAFT, BroadcastDraft, DraftSound
from broadcast_bridge.programmes import intake
from haichieu import jobs
from haichieu.background import in_thread
from haichieu.database import Database, now
from haichieu.errors import EnvironmentProblem, HaiChieuError
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim, Job
from haichieu.locale import Message, message
from haichieu.media import MediaStore, Stored
from haichieu.shares import told_at_most_every

log = structlog.get_logger()

TELL_SECONDS = 1.0


def begin(
    session: Session, store: MediaStore, draft: BroadcastDraft, file: Stored, name: str, at: datetime.datetime
) -> None:
    """Have a file of the store converted, which becomes the sound of a draft."""
    printable = "".join(letter for letter in name if letter.isprintable())
    draft.in_making = DraftSound(original=store.add(session, file), file_name=printable[:200])
    session.flush()
    jobs.renew(session, CONVERT_DRAFT, draft.id, at)


class DraftConversion(JobRunner):
    """Converts the files, in the worker, one after the other."""

    kinds = (CONVERT_DRAFT,)
    lease = datetime.timedelta(seconds=30)

    def __init__(self, database: Database, store: MediaStore) -> None:
        super().__init__(database)
        self._store = store

    async def handle(self, claim: Claim) -> None:
        """Convert one; what is wrong with the file is stored for its account, and is no error of ours."""
        found = await self._database.look(lambda session: self._file_of(session, claim.subject_id))
        if found is None:
            await self._database.run(lambda session: jobs.done(session, claim, now()))
            return
        file, name = found
        try:
            await in_thread(lambda: self._convert(claim, file, name))
        except EnvironmentProblem:
            raise  # a full disk: tried again
        except HaiChieuError as refusal:
            await self._database.run(partial(_refuse, held=claim, why=refusal.message))

    def give_up(self, session: Session, job: Job) -> None:
        """Tell the account, and raise an alarm."""
        making = session.get(DraftSound, job.subject_id)
        if making is not None:
            making.problem = job.problem or message("jobs.never_finished", count=job.attempts)
        super().give_up(session, job)

    def _file_of(self, session: Session, number: int) -> tuple[Path, str] | None:
        making = session.get(DraftSound, number)
        if making is None or making.original is None:
            return None
        return self._store.path(making.original), making.file_name

    def _convert(self, claim: Claim, file: Path, name: str) -> None:
        with self._store.scratch() as folder:
            tell = told_at_most_every(TELL_SECONDS, lambda share: self._tell(claim.subject_id, share))
            forms = intake.ready_upload(file, Path(folder), name, progress=tell).forms
            self._store.require_space()
            stored = self._store.put(forms.narrow, forms.wide)
            with self._database.session() as session:
                draft = session.get(BroadcastDraft, claim.subject_id)
                if draft is not None:
                    draft.sound, draft.in_making = self._store.add(session, stored), None
                jobs.done(session, claim, now())

    def _tell(self, number: int, share: float) -> None:
        with self._database.session() as session:
            making = session.get(DraftSound, number)
            if making is not None:
                making.share = round(share, 3)


def _refuse(session: Session, held: Claim, why: Message) -> None:
    making = session.get(DraftSound, held.subject_id)
    if making is not None:
        making.problem, making.original = why, None
    jobs.done(session, held, now())
    log.info("broadcast.draft_not_converted", draft=held.subject_id)
