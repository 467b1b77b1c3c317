"""Real engines on human speech, and on noise, tones and silence."""

import re

import numpy as np
import pytest

from feedback.transcription.confidence import LOW_CONFIDENCE, MOST_UNSURE
from feedback.transcription.engine import Engine
from feedback.transcription.errors import LanguageNotKnown
from feedback.transcription.recognition import understand
from feedback.transcription.two_engines import TwoEngines
from feedback.transcription.viet_asr import VietAsrEngine
from feedback.transcription.whisper import WhisperEngine
from haichieu.audio.sound import Sound
from tests.feedback.transcription.sounds import asterisk_speech, nobody_speaking

CONGRATULATIONS = """
Congratulations. You have successfully installed and executed the Asterisk open source PBX. You have also installed a
set of sample sounds and configuration files that should help you to get started. Like a normal PBX, you will navigate
this demonstration by dialing digits. If you are using a console channel driver instead of a real phone, you can use
the dial, answer, and hangup commands to simulate the actions of a standard telephone.
"""
MOST_WORDS_WRONG = 0.1
"""Of the words spoken."""
SILENCES = nobody_speaking()


@pytest.fixture(scope="session")
def viet_asr() -> VietAsrEngine:
    engine = VietAsrEngine()
    engine.load()
    return engine


@pytest.fixture(params=["whisper", pytest.param("viet_asr", marks=pytest.mark.proof)])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


def words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def wrong_words(spoken: str, written: str) -> float:
    """Word error rate: insertions, deletions and substitutions by the number of words spoken."""
    expected, found = words(spoken), words(written)
    row = list(range(len(found) + 1))
    for i, word in enumerate(expected, 1):
        above, row[0] = row[:], i
        for j, other in enumerate(found, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (word != other))
    return row[-1] / len(expected)


@pytest.mark.proof
def test_known_recording_is_transcribed_with_word_times(whisper: WhisperEngine) -> None:
    sound = asterisk_speech("demo-congrats")
    understood = understand(whisper, sound, "en")
    assert wrong_words(CONGRATULATIONS, understood.text) <= MOST_WORDS_WRONG
    assert understood.confidence is not None
    assert understood.confidence > 0.8
    unsure = [word.text for word in understood.words if word.probability < LOW_CONFIDENCE]
    assert len(unsure) <= MOST_UNSURE * len(understood.words), "which words these are depends on the processor"
    begins = [word.begin for word in understood.words]
    assert begins == sorted(begins)
    assert 25 < understood.words[-1].end <= sound.seconds + 0.5, "the second piece begins where the first one ended"
    assert all(0 <= word.probability <= 1 for word in understood.words)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(
    "name", [name if name == "melody" else pytest.param(name, marks=pytest.mark.proof) for name in SILENCES]
)
def test_no_text_is_invented_where_nobody_speaks(whisper: WhisperEngine, name: str, language: str) -> None:
    assert understand(whisper, SILENCES[name], language).text == ""


def test_empty_sound_has_no_text(engine: Engine) -> None:
    understood = understand(engine, Sound(SILENCES["silence"].samples[:0], 8000), "vi")
    assert (understood.text, understood.doubtful) == ("", False)


@pytest.mark.proof
@pytest.mark.parametrize("name", ["silence", "pink noise", "busy tone", "melody"])
def test_second_engine_invents_no_text(viet_asr: VietAsrEngine, name: str) -> None:
    assert understand(viet_asr, SILENCES[name], "vi").text == ""


@pytest.mark.proof
@pytest.mark.parametrize("name", SILENCES)
def test_both_engines_together_invent_no_text(whisper: WhisperEngine, viet_asr: VietAsrEngine, name: str) -> None:
    assert understand(TwoEngines(whisper, viet_asr), SILENCES[name], "vi").text == ""


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_ten_minutes_of_music_have_no_text(whisper: WhisperEngine) -> None:
    music = Sound(np.tile(SILENCES["melody"].samples, 50), SILENCES["melody"].rate)
    assert music.seconds == 600, "the melody and the engine's windows of 30 s meet in every way within one minute"
    understood = understand(whisper, music, "vi")
    assert (understood.text, understood.words) == ("", ())


@pytest.mark.proof
@pytest.mark.parametrize("name", ["tt-weasels", "vm-goodbye"])
def test_two_people_at_once_are_doubtful(whisper: WhisperEngine, viet_asr: VietAsrEngine, name: str) -> None:
    one, other = asterisk_speech(name), asterisk_speech("demo-echotest")
    length = min(len(one.samples), len(other.samples))
    both = Sound((one.samples[:length] + other.samples[:length]) / 2, one.rate)
    assert understand(TwoEngines(whisper, viet_asr), both, "vi").doubtful


@pytest.mark.proof
@pytest.mark.parametrize("voice", ["asetrate=8000*1.35,aresample=8000,atempo=0.8", "atempo=2.2"], ids=["child", "fast"])
def test_transcript_of_an_unusual_voice_is_right_or_doubtful(whisper: WhisperEngine, voice: str) -> None:
    understood = understand(whisper, asterisk_speech("demo-congrats", voice), "en")
    assert understood.doubtful or wrong_words(CONGRATULATIONS, understood.text) <= MOST_WORDS_WRONG


@pytest.mark.proof
def test_second_engine_transcribes_syllables(viet_asr: VietAsrEngine) -> None:
    understood = understand(viet_asr, asterisk_speech("tt-weasels"), "vi")
    assert understood.text
    assert understood.confidence is None, "it tells none, and none is made up"
    assert understood.words == ()


@pytest.mark.proof
def test_speech_in_another_language_is_doubtful(whisper: WhisperEngine) -> None:
    assert understand(whisper, asterisk_speech("vm-goodbye"), "vi").doubtful


@pytest.mark.parametrize("language", ["tyz", "hmn", "ium"])
def test_unknown_language_is_refused(engine: Engine, language: str) -> None:
    assert not engine.knows(language)
    with pytest.raises(LanguageNotKnown, match="A person has to listen"):
        engine.listen(SILENCES["silence"], language)
