import datetime
from pathlib import Path

import pytest

from feedback import job_kinds
from feedback.models import Message
from feedback.transcription.confidence import Understood
from feedback.transcription.correction import CorrectionRefused, again, correct
from feedback.transcription.transcribing import write_down
from haichieu import audit, jobs
from haichieu.database import Database, now
from haichieu.locale import message as message_text
from tests.builders.cases import case, office
from tests.feedback.transcription.sounds import nobody_speaking
from tests.feedback.transcription.spoken_case import message, spoken_case, store_in

LEASE = datetime.timedelta(minutes=1)
BY = "account:truc@example.vn"
HEARD = Understood("cầu chèo bị hỏng", (), 0.6, True)


def written_down(database: Database, folder: Path) -> int:
    said = spoken_case(database, store_in(folder), nobody_speaking()["silence"], "vi")
    with database.session() as session:
        (held,) = jobs.claim(session, [job_kinds.TRANSCRIBE], now(), LEASE)
        write_down(session, held, HEARD, "faster-whisper", "whisper-base", now())
        filing = jobs.find(session, job_kinds.FILE, said)
        assert filing is not None
        filing.state = "done"
    return said


def test_a_correction_keeps_the_original_and_says_who_and_when(database: Database, tmp_path: Path) -> None:
    said = written_down(database, tmp_path)
    with database.session() as session:
        correct(session, session.get_one(Message, said), "  Cầu treo bị hỏng ", BY, now())
    with database.session() as session:
        found, its_case = message(session, said)
        transcript = found.transcript
        assert transcript is not None
        assert (transcript.text, transcript.original_text) == ("Cầu treo bị hỏng", "cầu chèo bị hỏng")
        assert (transcript.corrected_by, transcript.doubtful) == (BY, False)
        assert transcript.corrected_at is not None
        filing = jobs.find(session, job_kinds.FILE, said)
        assert filing is not None
        assert filing.state == "waiting", "the case is filed again by the right words"
        (step,) = [step for step in its_case.history if step.what == "transcript_corrected"]
        assert (step.actor, step.after_message) == (BY, message_text("transcript.words", count=4))
        assert audit.find(session, words="case.transcript_corrected")
        assert not audit.find(session, words="treo"), "the trail must outlive what the citizen said"


def test_nothing_was_said_is_a_correction_too(database: Database, tmp_path: Path) -> None:
    said = written_down(database, tmp_path)
    with database.session() as session:
        transcript = correct(session, session.get_one(Message, said), "", BY, now())
        assert (transcript.text, transcript.original_text) == ("", "cầu chèo bị hỏng")


def test_message_without_a_transcript_is_transcribed_by_hand(database: Database, tmp_path: Path) -> None:
    said = spoken_case(database, store_in(tmp_path), nobody_speaking()["silence"], "tyz")
    with database.session() as session:
        correct(session, session.get_one(Message, said), "Nặm bấu mì", BY, now())
    with database.session() as session:
        found, its_case = message(session, said)
        assert found.transcript is not None
        assert (found.transcript.text, found.transcript.engine, its_case.status) == ("Nặm bấu mì", "", "transcribed")
        assert jobs.claim(session, [job_kinds.TRANSCRIBE], now(), LEASE) == [], "it needs no machine any more"


def test_a_machine_never_overwrites_a_person(database: Database, tmp_path: Path) -> None:
    said = spoken_case(database, store_in(tmp_path), nobody_speaking()["silence"], "vi")
    with database.session() as session:
        (held,) = jobs.claim(session, [job_kinds.TRANSCRIBE], now(), LEASE)
    with database.session() as session:
        correct(session, session.get_one(Message, said), "Cầu treo bị hỏng", BY, now())
    with database.session() as session:
        write_down(session, held, HEARD, "faster-whisper", "whisper-base", now())
    with database.session() as session:
        found = session.get_one(Message, said)
        assert found.transcript is not None
        assert found.transcript.text == "Cầu treo bị hỏng"
        with pytest.raises(CorrectionRefused, match="A person"):
            again(session, found, BY, now())


def test_what_was_never_spoken_or_is_far_too_long_is_refused(database: Database, tmp_path: Path) -> None:
    said = written_down(database, tmp_path)
    with database.session() as session:
        with pytest.raises(CorrectionRefused, match="the limit is"):
            correct(session, session.get_one(Message, said), "a" * 20_001, BY, now())
        unit = session.get_one(Message, said).case.unit
        assert unit.code == "BL-CB"


def test_a_text_message_has_no_transcript(database: Database) -> None:
    with database.session() as session:
        texted = case(session, office(session)).messages[0]
        with pytest.raises(CorrectionRefused, match="not a voice message"):
            correct(session, texted, "x", BY, now())
