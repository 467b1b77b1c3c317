"""Programmes made in the background: a long text is spoken, or a large file converted, by a job of the worker.

A short text or a small file takes no longer than a page may take, and is made at once.
"""

import dataclasses
import datetime
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session, joinedload

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.intake import About, AlreadyThere, Placed, Ready
from broadcast_bridge.programmes.models import Programme, ProgrammeInMaking
from haichieu import audit, jobs
from haichieu.background import in_thread
from haichieu.database import Database, now
from haichieu.errors import EnvironmentProblem, HaiChieuError
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim, Job
from haichieu.locale import Message, message
from haichieu.media import MediaStore, Stored
from haichieu.shares import told_at_most_every
from haichieu.speech.pronunciations import dictionary_of
from haichieu.speech.synthesis import Voices
from haichieu.speech.voice_choice import wanted_voices

log = structlog.get_logger()

MAKE_PROGRAMME = "make_programme"
LONG_TEXT = 1_500
"""Characters; a neural voice on an old processor speaks fewer in about ten seconds."""
LARGE_FILE = 15_000_000
"""Bytes; ffmpeg converts less in about ten seconds."""
SHOWN = datetime.timedelta(days=7)
"""How long a finished one is listed."""
TELL_SECONDS = 1.0


class ChangedMeanwhile(HaiChieuError):
    """Another user changed the programme while its new text was spoken."""


def begin_text(session: Session, about: About, text: str, at: datetime.datetime, *, submit: bool) -> ProgrammeInMaking:
    """Have a text spoken. Raises ProgrammeRefused or SpeechError."""
    intake.check_text(text, about.language)
    return _begin(session, about, at, text=text.strip(), submit=submit)


def begin_change(session: Session, programme: Programme, about: About, text: str, at: datetime.datetime) -> None:
    """Have another text of a programme spoken, which replaces it unless another user changes it meanwhile.

    The author of `about` is the user who changes it. Raises ProgrammeRefused or SpeechError.
    """
    intake.check_text(text, about.language)
    _begin(session, about, at, text=text.strip(), programme_id=programme.id, based_on=programme.updated_at)


def begin_file(
    session: Session, store: MediaStore, about: About, file: Stored, name: str, at: datetime.datetime
) -> ProgrammeInMaking:
    """Have a file converted that is in the store. Raises ProgrammeRefused or AlreadyThere."""
    intake.refuse_twice(session, file.sha256)
    printable = "".join(letter for letter in name if letter.isprintable())
    return _begin(session, about, at, original=store.add(session, file), file_name=printable[:200])


def listed(session: Session, units: Collection[int]) -> Sequence[ProgrammeInMaking]:
    """Return what is being made for these units, and what ended lately, the newest first."""
    return session.scalars(
        sa.select(ProgrammeInMaking)
        .where(ProgrammeInMaking.unit_id.in_(units))
        .options(joinedload(ProgrammeInMaking.unit))
        .order_by(ProgrammeInMaking.id.desc())
        .limit(100)
    ).all()


def forget_old(session: Session, at: datetime.datetime) -> None:
    """Delete the rows of what ended long ago, with their jobs; a file without a programme is then deleted, too."""
    old = sa.select(ProgrammeInMaking.id).where(ProgrammeInMaking.done_at < at - SHOWN)
    session.execute(sa.delete(Job).where(Job.kind == MAKE_PROGRAMME, Job.subject_id.in_(old)))
    session.execute(sa.delete(ProgrammeInMaking).where(ProgrammeInMaking.done_at < at - SHOWN))


def _begin(session: Session, about: About, at: datetime.datetime, **more: object) -> ProgrammeInMaking:
    intake.check_about(session, about)
    making = ProgrammeInMaking(
        title=about.title.strip(), unit_id=about.unit_id, author=about.author, author_name=about.author_name,
        category=about.category, language=about.language, voice=about.voice, valid_until=about.valid_until,
        created_at=at, **more,
    )  # fmt: skip
    session.add(making)
    session.flush()
    jobs.renew(session, MAKE_PROGRAMME, making.id, at)
    audit.record(session, about.author, "programme.make", f"making:{making.id}", title=making.title)
    return making


class ProgrammesInMaking(JobRunner):
    """Makes the programmes, in the worker, one after the other."""

    kinds = (MAKE_PROGRAMME,)
    lease = datetime.timedelta(seconds=30)

    def __init__(self, database: Database, store: MediaStore, synthesiser: Voices) -> None:
        super().__init__(database)
        self._store, self._synthesiser = store, synthesiser

    async def handle(self, claim: Claim) -> None:
        """Make one; what is wrong with the text or the file is stored for its author, and is no error of ours."""
        making = await self._database.look(lambda session: _find(session, claim.subject_id))
        if making is None or making.done_at is not None:
            await self._database.run(lambda session: jobs.done(session, claim, now()))
            return
        try:
            await in_thread(lambda: self._make(claim, making))
        except EnvironmentProblem:
            raise  # a full disk, a missing engine: tried again
        except HaiChieuError as refusal:
            known = refusal.programme_id if isinstance(refusal, AlreadyThere) else None
            await self._database.run(partial(_refuse, held=claim, why=refusal.message, known=known))

    def give_up(self, session: Session, job: Job) -> None:
        """Tell the author, and raise an alarm."""
        making = session.get(ProgrammeInMaking, job.subject_id)
        if making is not None and making.done_at is None:
            making.problem, making.done_at = job.problem or message("jobs.never_finished", count=job.attempts), now()
        super().give_up(session, job)

    def _make(self, claim: Claim, making: ProgrammeInMaking) -> None:
        with self._store.scratch() as folder:
            placed = intake.put(self._store, self._ready(making, Path(folder)))
            with self._database.session() as session:
                self._add(session, claim, placed)

    def _ready(self, making: ProgrammeInMaking, folder: Path) -> Ready:
        tell = self._progress_of(making.id)
        if making.original is not None:
            return intake.ready_upload(self._store.path(making.original), folder, making.file_name, progress=tell)
        dictionary = dictionary_of(self._database)
        with self._database.reading() as session:
            voices = self._synthesiser.preferring(wanted_voices(session, making.unit_id, making.voice))
        return intake.ready_text(making.text, making.language, voices, folder, dictionary, tell)

    def _add(self, session: Session, claim: Claim, placed: Placed) -> None:
        making = session.get_one(ProgrammeInMaking, claim.subject_id)
        about = About(
            making.title, making.unit_id, making.author, making.author_name, making.category, making.language,
            valid_until=making.valid_until, voice=making.voice,
        )  # fmt: skip
        if making.based_on is not None:
            self._replace(session, making, about, placed)
        else:
            made = intake.add(session, self._store, about, placed, now())
            if made.original is not None:
                made.original.seconds = placed.ready.forms.seconds
            if making.submit:
                approval.submit(session, made, making.author, now())
            making.programme_id = made.id
        making.share, making.done_at = 1.0, now()
        jobs.done(session, claim, now())

    def _replace(self, session: Session, making: ProgrammeInMaking, about: About, placed: Placed) -> None:
        programme = session.get_one(Programme, making.programme_id, with_for_update=True)
        if programme.updated_at != making.based_on:
            raise ChangedMeanwhile("programme.changed_meanwhile")
        about = dataclasses.replace(about, priority=Priority(programme.priority), tags=programme.tags)
        intake.change(session, programme, about, making.author, now())
        intake.replace_text(session, self._store, programme, placed, making.author, now())

    def _progress_of(self, number: int) -> Callable[[float], None]:
        """Return what stores the share that is done, at most once per `TELL_SECONDS`."""

        def tell(share: float) -> None:
            with self._database.session() as session:
                session.execute(
                    sa.update(ProgrammeInMaking).where(ProgrammeInMaking.id == number).values(share=round(share, 3))
                )

        return told_at_most_every(TELL_SECONDS, tell)


def _find(session: Session, number: int) -> ProgrammeInMaking | None:
    query = sa.select(ProgrammeInMaking).where(ProgrammeInMaking.id == number)
    return session.scalar(query.options(joinedload(ProgrammeInMaking.original)))


def _refuse(session: Session, held: Claim, why: Message, known: int | None) -> None:
    making = session.get_one(ProgrammeInMaking, held.subject_id)
    making.problem, making.programme_id, making.done_at = why, known, now()
    jobs.done(session, held, now())
    log.info("programme.not_made", making=making.id)
