"""Spoken messages: what is on record before the tone, what a crash leaves behind, and that nothing is filed twice."""

import datetime
import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sqlalchemy as sa

from feedback.citizens.registry import CitizenBook, open_citizens
from feedback.intake.voice_messages import ABANDONED, Beginning, NothingSaid, VoiceMessages
from feedback.models import Case, Citizen, Message, Reply, VoiceDraft
from haichieu.alarms import open_alarms
from haichieu.audio.errors import UnreadableSound
from haichieu.audio.sound import Sound, write_wav
from haichieu.audio.tones import attention_chime
from haichieu.database import Database, now
from haichieu.jobs import Job
from haichieu.media import DiskFull, Media, MediaStore
from haichieu.spool import RECORDING_BYTES, Spool
from tests.builders.cases import Office, office
from tests.hashed_outside import refuse_hashing_in_transactions

CALLER = "+84987654321"


@pytest.fixture
def there(database: Database) -> Office:
    with database.session() as session:
        return office(session)


@pytest.fixture
def book(tmp_path: Path) -> CitizenBook:
    return open_citizens(tmp_path / "home")


@pytest.fixture
def messages(database: Database, book: CitizenBook, tmp_path: Path) -> VoiceMessages:
    (tmp_path / "spool").mkdir()
    return VoiceMessages(Spool(tmp_path / "spool"), database, MediaStore(tmp_path / "media", 1), book, "here")


def speak(messages: VoiceMessages, name: str) -> Path:
    """What Asterisk leaves in the spool."""
    wav = Path(f"{messages.sound(name)}.wav")
    write_wav(wav, attention_chime(8000))
    return wav


def be_silent(messages: VoiceMessages, name: str) -> Path:
    wav = Path(f"{messages.sound(name)}.wav")
    chime = attention_chime(8000)
    write_wav(wav, Sound(chime.samples * 0, chime.rate))
    return wav


def count(database: Database, table: type) -> int:
    with database.session() as session:
        return session.scalars(sa.select(sa.func.count()).select_from(table)).one()


def the_case(database: Database) -> Case:
    with database.session() as session:
        return session.scalars(
            sa.select(Case).options(sa.orm.joinedload(Case.citizen), sa.orm.selectinload(Case.messages))
        ).one()


def test_what_filing_needs_is_on_record_before_the_tone(
    database: Database, messages: VoiceMessages, there: Office
) -> None:
    name = messages.begin(Beginning(there.co_ba.id, "number", CALLER, there.roads.id))
    with database.session() as session:
        draft = session.scalars(sa.select(VoiceDraft)).one()
    assert (draft.name, draft.unit_id, draft.category_id) == (name, there.co_ba.id, there.roads.id)
    assert CALLER not in draft.number_locked
    assert "87654" not in name


def test_a_message_becomes_a_case_whose_number_is_texted(
    database: Database, messages: VoiceMessages, there: Office, book: CitizenBook, tmp_path: Path
) -> None:
    name = messages.begin(Beginning(there.co_ba.id, "citizen", CALLER, there.roads.id, language="en"))
    wav = speak(messages, name)
    said = wav.read_bytes()
    number = messages.keep(name)
    case = the_case(database)
    assert (case.number, case.unit_id, case.category_id, case.language) == (
        number,
        there.co_ba.id,
        there.roads.id,
        "en",
    )
    assert (case.unit_by, case.category_by) == ("citizen", "citizen")
    assert case.citizen is not None
    assert book.number_of(case.citizen) == CALLER
    first, text = case.messages
    with database.session() as session:
        sound = session.get_one(Message, first.id).sound
        reply = session.scalars(sa.select(Reply)).one()
        kinds = set(session.scalars(sa.select(Job.kind)))
    assert sound is not None
    assert MediaStore(tmp_path / "media", 1).path(sound).read_bytes() == said
    assert f"{number[:4]} {number[4:]}" in text.text
    assert (reply.message_id, reply.way) == (text.id, "text")
    assert kinds == {"transcribe", "send-text"}
    assert not wav.exists()
    assert count(database, VoiceDraft) == 0


def test_message_is_hashed_outside_of_transactions(
    database: Database, messages: VoiceMessages, there: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = messages.begin(Beginning(there.co_ba.id, "number", CALLER))
    speak(messages, name)
    hashed = refuse_hashing_in_transactions(monkeypatch, database)
    assert (messages.keep(name), len(hashed)) == (the_case(database).number, 1)


def test_an_anonymous_caller_is_no_citizen_and_gets_no_text(
    database: Database, messages: VoiceMessages, there: Office
) -> None:
    name = messages.begin(Beginning(there.co_ba.id, "number", CALLER))
    speak(messages, name)
    messages.keep(name, anonymous=True)
    assert the_case(database).citizen is None
    assert (count(database, Citizen), count(database, Reply)) == (0, 0)


def test_a_crash_while_filing_anonymously_does_not_restore_the_number(
    database: Database, messages: VoiceMessages, there: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = messages.begin(Beginning(there.co_ba.id, "number", CALLER))
    speak(messages, name)
    with monkeypatch.context() as patch:
        patch.setattr(MediaStore, "add", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            messages.keep(name, anonymous=True)
    messages.keep(name)
    assert the_case(database).citizen is None


def test_a_crash_before_the_commit_loses_nothing(
    database: Database, messages: VoiceMessages, there: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = messages.begin(Beginning(there.co_ba.id, "number", CALLER))
    wav = speak(messages, name)
    with monkeypatch.context() as patch:
        patch.setattr("feedback.intake.voice_messages.open_case", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            messages.keep(name)
    assert wav.exists()
    messages.let_go(name)
    assert messages.left_behind() == [name]
    assert messages.keep(name) == the_case(database).number


def test_a_crash_after_the_commit_files_nothing_twice(
    database: Database, messages: VoiceMessages, there: Office, tmp_path: Path
) -> None:
    name = messages.begin(Beginning(there.co_ba.id, "number", CALLER))
    wav = speak(messages, name)
    copy = shutil.copy(wav, tmp_path / "copy.wav")
    number = messages.keep(name)
    shutil.move(copy, wav)  # as if it had not been removed
    assert messages.keep(name) == number
    assert not wav.exists()
    assert count(database, Message) == 2  # the message, and the text with its number


def test_a_message_may_continue_a_case(database: Database, messages: VoiceMessages, there: Office) -> None:
    first = messages.begin(Beginning(there.co_ba.id, "number"))
    speak(messages, first)
    number = messages.keep(first)
    second = messages.begin(Beginning(there.coc_pang.id, "number", case_id=the_case(database).id))
    write_wav(Path(f"{messages.sound(second)}.wav"), Sound(attention_chime(8000).samples[::-1], 8000))
    assert messages.keep(second) == number
    assert (count(database, Case), count(database, Message)) == (1, 2)


def test_silence_is_no_message(database: Database, messages: VoiceMessages, there: Office) -> None:
    name = messages.begin(Beginning(there.co_ba.id, "number", CALLER))
    wav = be_silent(messages, name)
    with pytest.raises(NothingSaid):
        messages.keep(name)
    assert not wav.exists()
    assert (count(database, Case), count(database, VoiceDraft)) == (0, 0)


def test_one_short_word_is_a_message(database: Database, messages: VoiceMessages, there: Office) -> None:
    name = messages.begin(Beginning(there.co_ba.id, "number", CALLER))
    chime = attention_chime(8000)
    word = chime.samples[: 8000 * 3 // 10]
    silence = chime.samples[:4000] * 0
    write_wav(Path(f"{messages.sound(name)}.wav"), Sound(np.concatenate([silence, word, silence]), 8000))
    assert messages.keep(name)


def test_a_recording_cut_off_by_a_crash_is_filed_whole(
    database: Database, messages: VoiceMessages, there: Office
) -> None:
    name = messages.begin(Beginning(there.co_ba.id, "number"))
    wav = speak(messages, name)
    content = bytearray(wav.read_bytes())
    content[4:8] = content[40:44] = bytes(4)  # Asterisk writes the lengths when it closes the file
    wav.write_bytes(content)
    messages.keep(name)
    with database.session() as session:
        sound = session.scalars(sa.select(Message)).one().sound
    assert sound is not None
    assert sound.seconds > 1


def test_a_recording_that_cannot_be_read_stays(messages: VoiceMessages, there: Office) -> None:
    name = messages.begin(Beginning(there.co_ba.id, "number", CALLER))
    wav = Path(f"{messages.sound(name)}.wav")
    wav.write_bytes(b"no sound at all" * 100)
    with pytest.raises(UnreadableSound):
        messages.take_in(name)
    assert wav.exists()


def test_recording_of_a_running_call_is_not_left_behind(messages: VoiceMessages, there: Office) -> None:
    name = messages.begin(Beginning(there.co_ba.id, "number"))
    wav = speak(messages, name)
    assert messages.left_behind() == []
    messages.let_go(name)
    assert messages.left_behind() == [name]
    assert not messages.is_still(name)
    os.utime(wav, (time.time() - 60, time.time() - 60))
    assert messages.is_still(name)


def test_a_recording_without_a_draft_is_filed_with_the_whole_station(
    database: Database, messages: VoiceMessages, there: Office
) -> None:
    name = "message-" + "0" * 32
    speak(messages, name)
    messages.keep(name)
    assert the_case(database).unit_id == there.district.id


def test_a_recording_that_no_flow_took_is_filed_by_what_is_known_of_it(
    database: Database, messages: VoiceMessages, there: Office, tmp_path: Path
) -> None:
    wav = tmp_path / "degraded-1.wav"
    write_wav(wav, attention_chime(8000))
    at = now() - datetime.timedelta(hours=3)
    number = messages.file_recording(wav, number=CALLER, unit_id=there.coc_pang.id, language="vi", at=at)
    case = the_case(database)
    assert (case.number, case.unit_id, case.unit_by, case.opened_at) == (number, there.coc_pang.id, "number", at)
    assert case.citizen is not None
    assert not wav.exists()


def test_drafts_of_callers_who_left_before_the_tone_are_deleted(
    database: Database, messages: VoiceMessages, there: Office, tmp_path: Path, book: CitizenBook
) -> None:
    elsewhere = VoiceMessages(Spool(tmp_path / "other"), database, MediaStore(tmp_path / "media", 1), book, "elsewhere")
    names = {
        what: of.begin(Beginning(there.co_ba.id, "number"))
        for what, of in (("gone", messages), ("speaking", messages), ("recorded", messages), ("theirs", elsewhere))
    }
    speak(messages, names["recorded"])
    for what in ("gone", "recorded", "theirs"):
        messages.let_go(names[what])
    assert messages.forget_abandoned() == 0
    with database.session() as session:
        session.execute(sa.update(VoiceDraft).values(started_at=now() - 2 * ABANDONED))
    assert messages.forget_abandoned() == 1
    with database.session() as session:
        left = set(session.scalars(sa.select(VoiceDraft.name)))
    assert left == {names[what] for what in ("speaking", "recorded", "theirs")}


def test_on_a_full_disk_nothing_begins_and_an_alarm_is_raised(
    database: Database, there: Office, book: CitizenBook, tmp_path: Path
) -> None:
    full = VoiceMessages(Spool(tmp_path), database, MediaStore(tmp_path / "media", 10**9), book)
    with pytest.raises(DiskFull):
        full.begin(Beginning(there.co_ba.id, "number", CALLER))
    assert count(database, VoiceDraft) == 0
    with database.session() as session:
        assert [alarm.subject for alarm in open_alarms(session)] == ["hotline"]


def test_messages_in_progress_keep_the_space_that_they_may_need(
    database: Database, there: Office, messages: VoiceMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = SimpleNamespace(free=1_000_000 + 2 * RECORDING_BYTES)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room)
    first = messages.begin(Beginning(there.co_ba.id, "number", CALLER))
    messages.begin(Beginning(there.co_ba.id, "number", CALLER))
    with pytest.raises(DiskFull):
        messages.begin(Beginning(there.co_ba.id, "number", CALLER))
    messages.let_go(first)
    messages.begin(Beginning(there.co_ba.id, "number", CALLER))


def speak_early(messages: VoiceMessages, name: str, silence: float = 6.0) -> Path:
    """What Asterisk leaves when the caller spoke after some seconds of the instructions, and then was silent."""
    wav = Path(f"{messages.sound(messages.early(name))}.wav")
    quiet, chime = np.zeros(int(silence * 8000), np.float32), attention_chime(8000)
    write_wav(wav, Sound(np.concatenate([quiet, chime.samples, quiet]), 8000))
    return wav


def begun(messages: VoiceMessages, there: Office) -> str:
    return messages.begin(Beginning(there.co_ba.id, "number", CALLER))


def stored_seconds(database: Database) -> float:
    with database.session() as session:
        return session.scalars(sa.select(Media.seconds).join(Message, Message.sound_id == Media.id)).one()


def test_words_before_the_tone_are_part_of_the_message_without_the_silence(
    database: Database, messages: VoiceMessages, there: Office
) -> None:
    name = begun(messages, there)
    early, late = speak_early(messages, name), be_silent(messages, name)
    assert messages.has_speech(name)
    assert not early.exists()
    messages.keep(name)
    assert not late.exists()
    assert stored_seconds(database) == pytest.approx(len(attention_chime(8000).samples) / 8000 + 0.8, abs=0.1)


@pytest.mark.parametrize("after_tone", [True, False])
def test_caller_who_speaks_early_and_hangs_up_leaves_a_case(
    database: Database, messages: VoiceMessages, there: Office, *, after_tone: bool
) -> None:
    name = begun(messages, there)
    early = speak_early(messages, name)
    if after_tone:
        be_silent(messages, name)
    assert messages.left_behind() == []  # a call has it
    messages.let_go(name)
    assert messages.left_behind() == []  # Asterisk has not closed it
    old = time.time() - 60
    os.utime(early, (old, old))
    assert messages.left_behind() == [name]
    messages.take_in(name)
    assert stored_seconds(database) < 5
    assert messages.left_behind() == []
    assert not early.exists()


def test_early_recording_that_ended_too_soon_is_dropped(messages: VoiceMessages, there: Office) -> None:
    name = begun(messages, there)
    spoken = speak(messages, name).stat().st_size
    early = Path(f"{messages.sound(messages.early(name))}.wav")
    early.write_bytes(b"RIFF")
    assert messages.has_speech(name)
    assert not early.exists()
    assert Path(f"{messages.sound(name)}.wav").stat().st_size <= spoken


def test_message_recorded_again_loses_what_was_said_early(messages: VoiceMessages, there: Office) -> None:
    name = begun(messages, there)
    early = speak_early(messages, name)
    messages.discard_sound(name)
    assert not early.exists()
    assert not messages.has_speech(name)
