"""Answers that officials record by phone: sent once, or kept as a note when they were left behind."""

import os
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.answers.answer_sounds import AnswerSounds
from feedback.answers.phone_answers import AnswerNotAllowed, NotTaken, PhoneAnswers, waiting_for
from feedback.cases import merging
from feedback.cases.case_lifecycle import happen
from feedback.citizens.registry import open_citizens
from feedback.models import Case, Message, Reply
from feedback.states import CaseEvent, Way
from haichieu.audio.ingest import SilentSound
from haichieu.audio.sound import Sound, write_wav
from haichieu.audio.tones import attention_chime
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.people import Official
from haichieu.speech.pronunciations import teach
from haichieu.speech.synthesis import EspeakSynthesiser
from haichieu.spool import Spool
from tests.builders.cases import Office, case, office
from tests.builders.spoken import note_what_is_spoken


class Desk:
    """A spool, a store and an official of Cô Ba."""

    def __init__(self, database: Database, folder: Path) -> None:
        (folder / "spool").mkdir()
        self.database, self.folder = database, folder
        self.spool = Spool(folder / "spool")
        store = MediaStore(folder / "media", 1)
        self.sounds = AnswerSounds(database, store, EspeakSynthesiser())
        self.answers = PhoneAnswers(self.spool, database, store, self.sounds)
        with database.session() as session:
            self.office = office(session)
            official = Official(code="1001", name="Hải", unit_id=self.office.co_ba.id, pin_hash="x", may=["record"])
            session.add(official)
            session.flush()
            self.official = official.id

    def take_in(self) -> None:
        for left in self.answers.left_recordings():
            if self.answers.is_still(left.name):
                self.answers.take_in(left.name)

    def case(self, *, number: str | None = "+84912345678") -> int:
        with self.database.session() as session:
            citizen = open_citizens(self.folder / "home").meet(session, number, now()) if number else None
            return case(session, self.office, citizen=citizen).id

    def record(self, case_id: int, *, silent: bool = False, dead: bool = False) -> str:
        """Speak; with `dead` the call is gone and the file has been still for a while."""
        name = self.answers.begin(self.official, case_id)
        chime = attention_chime(8000)
        wav = self.spool.wav(name)
        write_wav(wav, Sound(chime.samples * (0 if silent else 1), chime.rate))
        if dead:
            self.answers.let_go(name)
            os.utime(wav, (time.time() - 60,) * 2)
        return name


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def outgoing(session: Session) -> list[Message]:
    return list(session.scalars(sa.select(Message).where(Message.direction != "in")))


@pytest.mark.parametrize(("known", "way"), [(True, Way.CALL), (False, Way.AIR)])
def test_a_known_citizen_is_called_and_an_unknown_one_answered_on_air(desk: Desk, known: bool, way: Way) -> None:
    case_id = desk.case(number="+84912345678" if known else None)
    name = desk.record(case_id)
    assert desk.answers.send(name) == way
    with desk.database.session() as session:
        (message,) = outgoing(session)
        assert (message.author, message.direction, message.text) == ("official:1001", "out", "")
        assert message.sound is not None
        assert session.scalars(sa.select(Reply.way)).all() == [way]
        assert session.get_one(Case, case_id).status == "answered"
    assert not desk.spool.wav(name).exists()


def test_an_answer_by_phone_goes_to_the_citizens_of_merged_cases_too(desk: Desk) -> None:
    main, merged = desk.case(), desk.case(number="+84912345679")
    with desk.database.session() as session:
        merging.merge(session, session.get_one(Case, merged), session.get_one(Case, main), "official:1001", now())
    desk.answers.send(desk.record(main))
    with desk.database.session() as session:
        for case_id in (main, merged):
            last = session.get_one(Case, case_id).messages[-1]
            assert (last.sound is not None, [reply.way for reply in last.replies]) == (True, ["call"])


def test_what_was_left_behind_becomes_a_note_and_is_sent_to_nobody(desk: Desk) -> None:
    case_id = desk.case()
    name = desk.record(case_id, dead=True)
    desk.take_in()
    desk.take_in()
    with desk.database.session() as session:
        (note,) = outgoing(session)
        assert (note.direction, note.author, note.case_id) == ("note", "official:1001", case_id)
        assert session.scalars(sa.select(Reply)).all() == []
        assert session.get_one(Case, case_id).status == "new"
    assert not desk.spool.wav(name).exists()


def test_a_crash_after_the_answer_was_written_sends_it_once(desk: Desk) -> None:
    name = desk.record(desk.case())
    wav = desk.spool.wav(name)
    content = wav.read_bytes()
    desk.answers.send(name)
    wav.write_bytes(content)
    os.utime(wav, (time.time() - 60,) * 2)
    desk.answers.let_go(name)
    desk.take_in()
    with desk.database.session() as session:
        assert [message.direction for message in outgoing(session)] == ["out"]
    assert not wav.exists()


def test_recording_of_a_running_call_is_not_taken_in(desk: Desk) -> None:
    name = desk.record(desk.case())
    desk.take_in()
    assert desk.spool.wav(name).exists()


def test_an_answer_to_a_closed_case_is_not_taken_and_becomes_a_note(desk: Desk) -> None:
    case_id = desk.case()
    with desk.database.session() as session:
        happen(session, session.get_one(Case, case_id), CaseEvent.CLOSE, "account:x", now())
    name = desk.record(case_id, dead=True)
    with pytest.raises(NotTaken):
        desk.answers.send(name)
    os.utime(desk.spool.wav(name), (time.time() - 60,) * 2)
    desk.take_in()
    with desk.database.session() as session:
        assert [message.direction for message in outgoing(session)] == ["note"]


def test_silence_is_no_answer(desk: Desk) -> None:
    name = desk.record(desk.case(), silent=True)
    with pytest.raises(SilentSound):
        desk.answers.send(name)
    assert not desk.spool.wav(name).exists()


def test_an_official_who_may_not_record_may_not_answer(desk: Desk) -> None:
    with desk.database.session() as session:
        session.get_one(Official, desk.official).may = ["live"]
    with pytest.raises(AnswerNotAllowed):
        desk.answers.begin(desk.official, desk.case())


def test_the_cases_of_the_unit_and_below_wait_oldest_first(database: Database, desk: Desk) -> None:
    there: Office = desk.office
    with database.session() as session:
        first, other, second, closed = (case(session, there) for _ in range(4))
        other.unit_id = there.coc_pang.id
        merged = case(session, there)
        merged.duplicate_of_id = first.id
        happen(session, closed, CaseEvent.CLOSE, "account:x", now())
        chief = Official(code="1", name="A", unit_id=there.district.id, pin_hash="x", may=[])
        session.add(chief)
        session.flush()
        assert waiting_for(session, desk.official) == [first.id, second.id]
        assert waiting_for(session, chief.id) == [first.id, other.id, second.id]


def test_answer_by_phone_is_said_by_the_dictionary(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = note_what_is_spoken(monkeypatch)
    with desk.database.session() as session:
        teach(session, "Phja Oắc", "phia oắc")
    desk.sounds.speak("Lên Phja Oắc.", "vi", desk.folder)
    assert spoken == ["lên phia oắc."]


def test_a_text_is_read_aloud_once_in_both_forms(desk: Desk) -> None:
    with desk.database.session() as session:
        message = Message(
            case_id=desk.case(), direction="out", channel="panel", author="account:x", at=now(), text="Đã sửa xong.",
            language="tyz",
        )  # fmt: skip
        session.add(message)
        session.flush()
        message_id = message.id
    made = desk.sounds.ready(message_id)
    assert made.seconds > 0.5
    assert {path.suffix for path in Path(made.path).parent.iterdir()} == {".wav", ".wav16"}
    again = AnswerSounds(desk.database, MediaStore(desk.folder / "media", 1), None)  # type: ignore[arg-type]
    assert again.ready(message_id) == made
