"""Voice messages of citizens: from Asterisk's spool into a case, even when the caller or the switchboard is gone.

Everything a case needs is stored (`VoiceDraft`) before the caller is recorded: early, while the instructions play (the
caller's side alone), and again from the tone on. The early recording takes the other's place. `left_behind` finds
recordings that belong to no running call, and `keep` files them as if the caller had confirmed.
"""

import datetime
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.answers import replies
from feedback.cases.case_lifecycle import Opening, Said, open_case, say
from feedback.cases.case_numbers import spoken_groups
from feedback.citizens.registry import CitizenBook
from feedback.models import Case, Category, Message, VoiceDraft
from feedback.states import Channel, Direction
from feedback.texts import receipts
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.media import DiskFull, MediaStore
from haichieu.people import highest_unit
from haichieu.spoken_recording import cut_silence, has_speech
from haichieu.spool import EARLY, Spool, SpooledRecordings
from haichieu.station import the_station

ABANDONED = datetime.timedelta(minutes=10)
"""A draft this old without a recording belongs to a caller who hung up before the tone."""


class NothingSaid(HaiChieuError):
    """A recording is silent, so it is not a message."""

    def __init__(self, name: str) -> None:
        super().__init__("case.nothing_said", name=name)


@dataclass(frozen=True)
class Beginning:
    """The properties of a new message. `number` is None when withheld; `case_id` continues a case.

    `unit_by` names who chose the unit, see `feedback.models.Case`.
    """

    unit_id: int
    unit_by: str
    number: str | None = None
    category_id: int | None = None
    case_id: int | None = None
    language: str = "vi"
    dialled: str = ""


class VoiceMessages(SpooledRecordings):
    """Stores the voice messages in Asterisk's spool. Its methods block: use a thread."""

    kind = re.compile(r"message-[0-9a-f]{32}")
    early_kind = re.compile(rf"{EARLY}{kind.pattern}")

    def __init__(
        self, spool: Spool, database: Database, store: MediaStore, citizens: CitizenBook, node: str = ""
    ) -> None:
        """`node` is the machine of this spool; drafts of other machines are not touched."""
        super().__init__(spool)
        self._database = database
        self._store = store
        self._citizens = citizens
        self._node = node

    def begin(self, about: Beginning) -> str:
        """Store everything that filing needs and return the name to record to. Raises DiskFull and an alarm.

        The name is random, so that listing the folder reveals no caller.
        """
        try:
            self._store.require_space(self._spool.bytes_for_another())
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
                    dialled=about.dialled,
                    node=self._node,
                    started_at=now(),
                )
            )
        return name

    def early(self, name: str) -> str:
        """Return the name of the recording that begins before the tone."""
        return f"{EARLY}{name}"

    def has_speech(self, name: str) -> bool:
        """Return whether the recording contains speech, without silence at its ends from now on."""
        self._spool.adopt_early(name)
        wav = self._spool.wav(name)
        if not has_speech(wav):
            return False
        cut_silence(wav)
        return True

    def left_behind(self) -> list[str]:
        """Return the names of unclaimed recordings, the early ones in place of those that begin with the tone."""
        for early in self._spool.left_behind(self.early_kind):
            name = early.removeprefix(EARLY)
            if not self._spool.in_hand(name) and self._spool.is_still(early):
                self._spool.adopt_early(name)
        return [name for name in super().left_behind() if not self._spool.has_early(name)]

    def keep(self, name: str, *, anonymous: bool = False) -> str:
        """File a recording and return the number of its case.

        It leaves the spool when the case is committed, and is filed only once. With `anonymous` the number is deleted
        first. Raises NothingSaid after discarding it, or UnreadableSound and leaves it.
        """
        self._spool.adopt_early(name)
        wav = self._spool.wav(name)
        if anonymous:
            with self._database.session() as session:
                session.execute(sa.update(VoiceDraft).where(VoiceDraft.name == name).values(number_locked=""))
        with self._database.reading() as session:
            draft = session.scalar(sa.select(VoiceDraft).where(VoiceDraft.name == name))
            about, at = self._beginning(session, draft)
        return self._file(wav, name, about, at)

    def file_recording(
        self, wav: Path, *, number: str | None, unit_id: int, language: str, at: datetime.datetime
    ) -> str:
        """File a recording that no flow made, as a message to the unit of the number dialled; see `keep`.

        The file name without extension identifies what was filed before. The file is deleted once it is filed.
        """
        return self._file(wav, wav.stem, Beginning(unit_id, "number", number, language=language), at)

    def discard(self, name: str) -> None:
        """Delete the recording and its draft."""
        self.discard_sound(name)
        with self._database.session() as session:
            session.execute(sa.delete(VoiceDraft).where(VoiceDraft.name == name))

    def discard_sound(self, name: str) -> None:
        """Delete the recording; it is about to be made again."""
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
                if not self._spool.in_hand(draft.name)
                and not self._spool.wav(draft.name).exists()
                and not self._spool.has_early(draft.name)
            ]
            for draft in abandoned:
                session.delete(draft)
        return len(abandoned)

    def _beginning(self, session: Session, draft: VoiceDraft | None) -> tuple[Beginning, datetime.datetime]:
        """Return the properties in the draft; without one, as after a restored backup, those of the whole station."""
        if draft is None:
            unit = highest_unit(session)
            return Beginning(unit, "", language=the_station(session).language), now()
        number = self._citizens.unlock(draft.number_locked) if draft.number_locked else None
        return (
            Beginning(
                draft.unit_id, draft.unit_by, number, draft.category_id, draft.case_id, draft.language, draft.dialled
            ),
            draft.started_at,
        )

    def _file(self, wav: Path, name: str, about: Beginning, at: datetime.datetime) -> str:
        with self._database.reading() as session:
            filed = _filed_before(session, name)
        if filed is None:
            if not has_speech(wav):
                wav.unlink(missing_ok=True)
                with self._database.session() as session:
                    session.execute(sa.delete(VoiceDraft).where(VoiceDraft.name == name))
                raise NothingSaid(name)
            cut_silence(wav)
            filed = self._write(wav, name, about, at)
        wav.unlink(missing_ok=True)
        return filed

    def _write(self, wav: Path, name: str, about: Beginning, at: datetime.datetime) -> str:
        """Commit the case with a copy of the sound: until then the spool has the only copy."""
        stored = self._store.put(wav)
        with self._database.session() as session:
            said = Said(
                Direction.IN,
                Channel.CALL,
                "citizen",
                sound=self._store.add(session, stored),
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
            about.dialled,
        )
        case = open_case(session, opening, said, at)
        received = receipts.said("voice_received", about.language, number=spoken_groups(case.number))
        replies.acknowledge(session, case, received, now())
        return case.number


def _filed_before(session: Session, name: str) -> str | None:
    """Return the case of a recording that a crash left in the spool after the commit."""
    return session.scalar(sa.select(Case.number).join(Message).where(Message.external_id == name))
