"""Voices of units and programmes: which of them reads a text, and that each is cached as its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from haichieu.database import Database
from haichieu.people import Level, Unit
from haichieu.speech.station_voices import StationVoices
from haichieu.speech.synthesis import SpeechCache
from haichieu.speech.voice_choice import wanted_voices
from tests.builders.voices import JOE, voice_folder

SENTENCE = "The water is off tomorrow."
ANN = "en_US-ann-medium"


@pytest.fixture
def voices(tmp_path: Path) -> Iterator[StationVoices]:
    opened = StationVoices(voice_folder(tmp_path / "voices", JOE, ANN), f"en={JOE}", 1.0)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("preferred", "english"),
    [
        ((), JOE),
        ((ANN,), ANN),
        (("vi_VN-gone-low", ANN), ANN),
        (("en_US-gone-low",), JOE),
        (("espeak-ng", ANN), "espeak-ng"),
    ],
)
def test_first_voice_that_can_read_reads(voices: StationVoices, preferred: tuple[str, ...], english: str) -> None:
    assert voices.preferring(preferred).spoken_by() == {"en": english, "vi": "espeak-ng"}


def test_voice_of_another_language_leaves_the_text_to_its_own(voices: StationVoices) -> None:
    assert voices.preferring([ANN]).synthesise("Xin chào.", "vi").by.engine == "espeak-ng"


@pytest.mark.proof
def test_sounds_are_cached_by_the_voice_that_spoke(voices: StationVoices, tmp_path: Path) -> None:
    spoken = [
        SpeechCache(tmp_path / "cache", voices.preferring(names)).spoken(SENTENCE, "en")
        for names in ((), (ANN,), ("espeak-ng",), ("en_US-gone-low",))
    ]
    assert len(set(spoken[:3])) == 3
    assert spoken[3] == spoken[0]
    assert len(voices.pids) == 2


def test_programme_overrides_unit_which_overrides_the_units_above(database: Database) -> None:
    with database.session() as session:
        commune = Unit(code="xa", name="Xã", level=Level.COMMUNE, voice=JOE)
        session.add(commune)
        session.flush()
        village = Unit(code="thon", name="Thôn", level=Level.VILLAGE, parent_id=commune.id)
        session.add(village)
        session.flush()
        assert wanted_voices(session, village.id) == (JOE,)
        village.voice = ANN
        assert wanted_voices(session, village.id) == (ANN, JOE)
        assert wanted_voices(session, village.id, "espeak-ng") == ("espeak-ng", ANN, JOE)
        assert wanted_voices(session, None) == ()
