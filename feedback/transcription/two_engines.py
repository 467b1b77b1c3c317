"""Whisper and `viet-asr` together, for Vietnamese: the better one's words, and their agreement as the certainty.

`viet-asr` hears every piece twice: as it is, and a little faster between silences. A third hearing cost a third more
and changed no mark of doubt (docs/transcription.md). Whisper gives the times. Other languages are Whisper's alone.
"""

import dataclasses

import numpy as np

from feedback.transcription.agreement import agreed, plain
from feedback.transcription.engine import Heard, Passage, Word
from feedback.transcription.viet_asr import VietAsrEngine
from feedback.transcription.whisper import WhisperEngine
from feedback.transcription.written_numbers import written
from haichieu.audio.sound import Sound
from haichieu.speech.reading import read_aloud

SILENCE_SECONDS = 0.5
FASTER = 1.08


class TwoEngines:
    """Both engines, loaded when they are first used."""

    name = "faster-whisper+viet-asr"

    def __init__(self, whisper: WhisperEngine, viet_asr: VietAsrEngine) -> None:
        self._whisper, self._viet_asr = whisper, viet_asr
        self.model = whisper.model

    def knows(self, language: str) -> bool:
        """Return whether Whisper was trained on this language."""
        return self._whisper.knows(language)

    def load(self) -> None:
        """Load both models unless they are loaded. Raises ModelUnusable or EngineMissing."""
        self._whisper.load()
        self._viet_asr.load()

    def listen(self, sound: Sound, language: str) -> Heard:
        """Transcribe a piece of sound. Raises EngineUnusable, LanguageNotKnown or TranscriptionFailed."""
        heard = self._whisper.listen(sound, language)
        if not self._viet_asr.knows(language) or not heard.speech_seconds:
            return heard
        first = _words(self._viet_asr.listen(sound, language))
        if not first:
            return Heard(tuple(dataclasses.replace(one, doubtful=True) for one in heard.passages), heard.speech_seconds)
        other = _words(self._viet_asr.listen(_faster(sound), language))
        second = [spoken for passage in heard.passages for word in passage.words for spoken in _spoken(word)]
        result = agreed([first, other], second, sound.seconds)
        words = written(result.words)
        text = " ".join(word.text for word in words)
        passage = Passage(text, 0.0, sound.seconds, words, doubtful=result.doubtful)
        return Heard((passage,), heard.speech_seconds)


def _faster(sound: Sound) -> Sound:
    """Return the sound a little faster, with silence around it."""
    silence = np.zeros(int(SILENCE_SECONDS * sound.rate), np.float32)
    padded = np.concatenate([silence, sound.samples, silence])
    places = np.arange(int(len(padded) / FASTER)) * FASTER
    faster = np.interp(places, np.arange(len(padded)), padded).astype(np.float32)
    return Sound(faster, sound.rate)


def _words(heard: Heard) -> list[str]:
    return [plain(word) for passage in heard.passages for word in passage.text.split() if plain(word)]


def _spoken(word: Word) -> list[Word]:
    """Return the words that a number or an abbreviation is read as, within its time."""
    if not any(sign.isdigit() for sign in word.text):
        return [word] if plain(word.text) else []
    said = [one for one in read_aloud(word.text, "vi").split() if plain(one)]
    step = (word.end - word.begin) / max(len(said), 1)
    return [
        Word(one, word.begin + at * step, word.begin + (at + 1) * step, word.probability) for at, one in enumerate(said)
    ]
