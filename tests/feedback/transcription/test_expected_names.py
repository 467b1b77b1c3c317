"""The names that the worker gives to the recogniser: units, officials, zones, and what people corrected."""

from pathlib import Path

import pytest

from broadcast_bridge.models import Zone
from feedback.models import Transcript
from feedback.transcription.engine import Heard, Passage, Word
from feedback.transcription.transcription_jobs import TranscriptionJobs
from haichieu.audio.sound import Sound
from haichieu.database import Database
from haichieu.people import Official
from haichieu.processes.worker import expected_names
from tests.builders.cases import office
from tests.feedback.transcription.scripted_engine import ScriptedEngine
from tests.feedback.transcription.sounds import nobody_speaking
from tests.feedback.transcription.spoken_case import message, spoken_case, store_in

SILENCE = nobody_speaking()["silence"]


class Unsure(ScriptedEngine):
    """Hears a sentence without being sure of any word."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self._sentence = sentence

    def listen(self, sound: Sound, language: str) -> Heard:
        words = tuple(Word(word, at, at + 1.0, 0.3) for at, word in enumerate(self._sentence.split()))
        return Heard((Passage(self._sentence, 0.0, 5.0, words),), 5.0)


async def transcribed(database: Database, folder: Path, sentence: str) -> str:
    """Let the worker's part transcribe a message; return the transcript."""
    store = store_in(folder)
    said = spoken_case(database, store, SILENCE, "vi")
    assert await TranscriptionJobs(database, store, Unsure(sentence), expected_names).step()
    with database.session() as session:
        transcript = message(session, said)[0].transcript
        assert transcript is not None
        return transcript.text


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("ở cô pa đây", "ở cô pa đây"),  # sounds different
        ("ở cổ ba đây", "ở Cô Ba đây"),
        ("ông lông văn dũng", "ông Nông Văn Dũng"),
        ("loa xóm là tình", "loa xóm Nà Tình"),
    ],
)
async def test_transcripts_name_what_the_station_knows(
    database: Database, tmp_path: Path, heard: str, written: str
) -> None:
    with database.session() as session:
        there = office(session)
        session.add(Official(code="7", name="Nông Văn Dũng", unit_id=there.district.id, pin_hash="x", may=[]))
        session.add(Zone(code="71", name="Xóm Nà Tình", units=[there.co_ba]))
    assert await transcribed(database, tmp_path, heard) == written


async def test_name_that_a_person_corrected_is_written_the_next_time(database: Database, tmp_path: Path) -> None:
    assert await transcribed(database, tmp_path, "ở bản cà lò đây") == "ở bản cà lò đây"
    with database.session() as session:
        transcript = session.query(Transcript).one()
        transcript.text, transcript.corrected_by = "ở bản Cà Lò đây", "account:a@b"
    assert await transcribed(database, tmp_path, "đến cà lo ạ") == "đến Cà Lò ạ"
