"""Spoken messages of citizens: from Asterisk's spool into a case, also when the caller or the switchboard left.

What a case will need is on record (`VoiceDraft`) before the tone. A recording in the spool that no call has in hand was
left behind: `left_behind` finds it, and `keep` files it as if the caller had asked for it.
"""

import datetime
import re
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.answers import replies
from feedback.cases.case_numbers import spoken_groups
from feedback.cases.lifecycle import Opening, Said, open_case, say
from feedback.citizens.registry import CitizenBook
from feedback.models import Case, Category, Message, VoiceDraft
from feedback.states import Channel, Direction
from feedback.texts import receipts
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.audio.sound import measure, read_wav
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.media import DiskFull, MediaStore
from haichieu.people import highest_unit
from haichieu.spool import HEADER_BYTES, Spool, SpooledRecordings, close_wav
from haichieu.station import the_station

SPEECH_SECONDS = 0.2
"""With less than this to hear in it a recording is silent: a click of the line, or the end of a key's tone. It is
shorter than any word."""

ABANDONED = datetime.timedelta(minutes=10)
"""A draft this old without a recording belongs to a caller who hung up before the tone."""


class NothingSaid(HaiChieuError):
    """A recording is silent, so it is not a message."""

    def __init__(self, name: str) -> None:
        super().__init__("case.nothing_said", name=name)


@dataclass(frozen=True)
class Beginning:
    """What is known when a message begins. `number` is None for somebody who withholds it; `case_id` continues a case.

    `unit_by` says who or what chose the unit, see `feedback.models.Case`.
    """

    unit_id: int
    unit_by: str
    number: str | None = None
    category_id: int | None = None
    case_id: int | None = None
    language: str = "vi"


class VoiceMessages(SpooledRecordings):
    """Takes what citizens say out of Asterisk's spool. Its methods block: use a thread."""

    kind = re.compile(r"message-[0-9a-f]{32}")

    def __init__(
        self, spool: Spool, database: Database, store: MediaStore, citizens: CitizenBook, node: str = ""
    ) -> None:
        """`node` is the machine whose spool this is: drafts of another's are left alone."""
        super().__init__(spool)
        self._database = database
        self._store = store
        self._citizens = citizens
        self._node = node

    def begin(self, about: Beginning) -> str:
        """Return the name to record to, with all that filing needs committed. Raises DiskFull, an alarm being raised.

        The name is random: a folder's listing tells nothing about who called.
        """
        try:
            self._store.require_space()
        except DiskFull as problem:
            with self._database.session() as session:
                raise_alarm(session, AlarmKind.RECORDING_FAILED, "hotline", problem.message)
            raise
        name = f"message-{uuid.uuid4().hex}"
        self._spool.take(name)
        with self._database.session() as session:
            session.add(
                VoiceDraft(
                    name=name,
                    number_locked=self._citizens.lock(about.number) if about.number else "",
                    unit_id=about.unit_id,
                    unit_by=about.unit_by,
                    category_id=about.category_id,
                    case_id=about.case_id,
                    language=about.language,
                    node=self._node,
                    started_at=now(),
                )
            )
        return name

    def has_speech(self, name: str) -> bool:
        """Say whether there is anything to hear in it."""
        return has_speech(self._spool.wav(name))

    def keep(self, name: str, *, anonymous: bool = False) -> str:
        """File a recording and return the number of its case.

        It leaves the spool when the case is committed, and is filed only once. With `anonymous` the number is
        forgotten first. Raises NothingSaid, and then it is discarded; UnreadableSound, and then it is left alone.
        """
        wav = self._spool.wav(name)
        if anonymous:
            with self._database.session() as session:
                session.execute(sa.update(VoiceDraft).where(VoiceDraft.name == name).values(number_locked=""))
        with self._database.session() as session:
            draft = session.scalar(sa.select(VoiceDraft).where(VoiceDraft.name == name))
            about, at = self._beginning(session, draft)
        return self._file(wav, name, about, at)

    def file_recording(
        self, wav: Path, *, number: str | None, unit_id: int, language: str, at: datetime.datetime
    ) -> str:
        """File a recording that no flow took, as a message to the unit of the number dialled; see `keep`.

        Its file name, without extension, is what tells that it was filed before; it is deleted once it is.
        """
        return self._file(wav, wav.stem, Beginning(unit_id, "number", number, language=language), at)

    def discard(self, name: str) -> None:
        """Forget what was recorded, and the draft: the caller does not want it, or there is nothing in it."""
        self._spool.discard(name)
        with self._database.session() as session:
            session.execute(sa.delete(VoiceDraft).where(VoiceDraft.name == name))

    def discard_sound(self, name: str) -> None:
        """Forget what was recorded; it is about to be recorded anew."""
        self._spool.discard(name)

    def take_in(self, name: str) -> str | None:
        """File a message that was left behind; see `haichieu.recording_intake`."""
        try:
            return f"case {self.keep(name)}"
        except NothingSaid:
            return None

    def forget_abandoned(self) -> int:
        """Delete the drafts of callers who hung up before the tone; return how many."""
        with self._database.session() as session:
            old = sa.select(VoiceDraft).where(VoiceDraft.node == self._node, VoiceDraft.started_at < now() - ABANDONED)
            abandoned = [
                draft
                for draft in session.scalars(old)
                if not self._spool.in_hand(draft.name) and not self._spool.wav(draft.name).exists()
            ]
            for draft in abandoned:
                session.delete(draft)
        return len(abandoned)

    def _beginning(self, session: Session, draft: VoiceDraft | None) -> tuple[Beginning, datetime.datetime]:
        """What the draft says; without one, as after a restored backup, the message is the whole station's."""
        if draft is None:
            unit = highest_unit(session)
            return Beginning(unit, "", language=the_station(session).language), now()
        number = self._citizens.unlock(draft.number_locked) if draft.number_locked else None
        return (
            Beginning(draft.unit_id, draft.unit_by, number, draft.category_id, draft.case_id, draft.language),
            draft.started_at,
        )

    def _file(self, wav: Path, name: str, about: Beginning, at: datetime.datetime) -> str:
        with self._database.session() as session:
            filed = _filed_before(session, name)
        if filed is None:
            if not has_speech(wav):
                wav.unlink(missing_ok=True)
                with self._database.session() as session:
                    session.execute(sa.delete(VoiceDraft).where(VoiceDraft.name == name))
                raise NothingSaid(name)
            filed = self._write(wav, name, about, at)
        wav.unlink(missing_ok=True)
        return filed

    def _write(self, wav: Path, name: str, about: Beginning, at: datetime.datetime) -> str:
        """Commit the case with a copy of the sound: until that is done the spool still holds the only proof of it."""
        with self._store.scratch() as folder:
            copy = Path(shutil.copyfile(wav, Path(folder) / "message.wav"))
            with self._database.session() as session:
                said = Said(
                    Direction.IN,
                    Channel.CALL,
                    "citizen",
                    sound=self._store.keep(session, copy),
                    language=about.language,
                    external_id=name,
                )
                number = self._into_case(session, about, said, at)
                session.execute(sa.delete(VoiceDraft).where(VoiceDraft.name == name))
        return number

    def _into_case(self, session: Session, about: Beginning, said: Said, at: datetime.datetime) -> str:
        continued = session.get(Case, about.case_id) if about.case_id is not None else None
        if continued is not None:
            say(session, continued, said, at)
            return continued.number
        category = session.get(Category, about.category_id) if about.category_id is not None else None
        opening = Opening(
            Channel.CALL,
            about.unit_id,
            about.unit_by,
            self._citizens.meet(session, about.number, at) if about.number else None,
            category,
            "citizen" if category else "",
            about.language,
        )
        case = open_case(session, opening, said, at)
        received = receipts.said("voice_received", about.language, number=spoken_groups(case.number))
        replies.acknowledge(session, case, received, now())
        return case.number


def has_speech(wav: Path) -> bool:
    """Say whether there is anything to hear in a recording, whose header may lack its length. Raises UnreadableSound.

    The rule is on the side of the caller: whatever is louder than the noise of a line for longer than a click counts.
    """
    try:
        if wav.stat().st_size <= HEADER_BYTES:
            return False
    except FileNotFoundError:
        return False
    close_wav(wav)
    return measure(read_wav(wav)).active_seconds >= SPEECH_SECONDS


def _filed_before(session: Session, name: str) -> str | None:
    """The number of the case that a recording is in already, which a crash left in the spool after the commit."""
    return session.scalar(sa.select(Case.number).join(Message).where(Message.external_id == name))
