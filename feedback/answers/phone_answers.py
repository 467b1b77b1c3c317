"""Cases answered by phone: the cases that wait for an official, and recorded answers from Asterisk's spool.

A recording that a finished call left in the spool becomes a note in its case: nothing that was said is lost, and
nothing is sent that the official did not confirm.
"""

import re
import uuid
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.answers import replies
from feedback.answers.answer_sounds import AnswerSounds
from feedback.answers.replies import Answer, AnswerRefused
from feedback.cases.case_lifecycle import OPEN, Said, note, say
from feedback.models import Case, Message
from feedback.states import Channel, Direction, Way
from haichieu.audio.ingest import UnusableSound, telephone_forms
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError, NotAllowed
from haichieu.media import MediaStore
from haichieu.people import Official, Right, units_under
from haichieu.spool import Spool, SpooledRecordings, close_wav
from haichieu.state_machine import IllegalTransition

MOST_AT_ONCE = 100
"""Cases per call."""


class AnswerNotAllowed(NotAllowed):
    """The official has no right to record."""

    def __init__(self, code: str) -> None:
        super().__init__("answer.not_allowed", code=code)


class NotTaken(HaiChieuError):
    """The case was closed meanwhile and accepts no answer."""


def waiting_for(session: Session, official_id: int) -> list[int]:
    """Return the ids of the unanswered cases in the official's unit and those under it, oldest first."""
    units = units_under(session, [session.get_one(Official, official_id).unit_id])
    return list(
        session.scalars(
            sa.select(Case.id)
            .where(Case.unit_id.in_(units), Case.status.in_(OPEN), Case.duplicate_of_id.is_(None))
            .order_by(Case.opened_at, Case.id)
            .limit(MOST_AT_ONCE)
        )
    )


class PhoneAnswers(SpooledRecordings):
    """Stores answers that officials record by phone. Its methods block: use a thread."""

    kind = re.compile(r"answer-(\d+)-(\d+)-[0-9a-f]{32}")

    def __init__(self, spool: Spool, database: Database, store: MediaStore, sounds: AnswerSounds) -> None:
        super().__init__(spool)
        self._database = database
        self._store = store
        self._sounds = sounds
        self._sending: set[str] = set()

    def begin(self, official_id: int, case_id: int) -> str:
        """Return the name to record to. Raises AnswerNotAllowed or DiskFull."""
        with self._database.reading() as session:
            official = session.get_one(Official, official_id)
            if not official.may_do(Right.RECORD):
                raise AnswerNotAllowed(official.code)
        self._store.require_space(self._spool.bytes_for_another())
        name = f"answer-{official_id}-{case_id}-{uuid.uuid4().hex}"
        self._spool.take(name)
        return name

    def left_behind(self) -> list[str]:
        """Return the names of recordings that belong to no call and are not being sent."""
        return [name for name in super().left_behind() if name not in self._sending]

    def send(self, name: str) -> Way:
        """Answer with a recording: by call where the citizen is known, else on air. Return the delivery method.

        The recording stays claimed until it is sent, even when its call ends meanwhile. Raises UnusableSound after
        discarding the recording, or NotTaken and leaves it to become a note.
        """
        self._sending.add(name)
        try:
            return self._keep(name, as_note=False)
        except (IllegalTransition, AnswerRefused) as problem:
            raise NotTaken(problem.message) from problem
        finally:
            self._sending.discard(name)

    def _keep(self, name: str, *, as_note: bool) -> Way:
        wav = self._spool.wav(name)
        official_id, case_id = (int(part) for part in name.split("-")[1:3])
        close_wav(wav)
        try:
            with self._sounds.folder() as folder:
                forms = telephone_forms(wav, Path(folder))
                stored = self._store.put(forms.narrow, forms.wide)
                with self._database.session() as session:
                    case = session.get(Case, case_id)
                    way = Way.AIR if case is None or case.citizen is None else Way.CALL
                    filed = sa.select(Message.id).where(Message.external_id == name)
                    if case is not None and session.scalar(filed) is None:
                        author = f"official:{session.get_one(Official, official_id).code}"
                        sound = self._store.add(session, stored)
                        if as_note:
                            said = Said(Direction.NOTE, Channel.CALL, author, "", sound, case.language, name)
                            say(session, case, said, now())
                            note(session, case, author, "answer_left", now())
                        else:
                            given = Answer(author, [way], sound=sound)
                            replies.answer(session, case, given, now()).external_id = name
        except UnusableSound:
            self.discard(name)
            raise
        self.discard(name)
        return way

    def take_in(self, name: str) -> str | None:
        """Make a note of a recording that was left behind; see `haichieu.recording_intake`."""
        try:
            self._keep(name, as_note=True)
        except UnusableSound:
            return None
        return "note"
