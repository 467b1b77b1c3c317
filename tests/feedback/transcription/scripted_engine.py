"""An engine of speech recognition that understands what a test tells it."""

import threading

from feedback.transcription.engine import Heard, Passage, Word
from feedback.transcription.errors import ModelUnusable
from haichieu.audio.sound import Sound

WORDS = "weasels have eaten our phone system"
SECONDS = 3.0


class ScriptedEngine:
    """Hears the same words in every sound, once `may_finish` is set; `broken` names a folder without a model."""

    name, model = "faster-whisper", "whisper-base"

    def __init__(self) -> None:
        self.broken = ""
        self.may_finish = threading.Event()
        self.may_finish.set()

    def knows(self, language: str) -> bool:
        return language in ("vi", "en")

    def load(self) -> None:
        if self.broken:
            raise ModelUnusable("transcript.model.no_folder", path=self.broken)

    def listen(self, sound: Sound, language: str) -> Heard:
        self.load()
        self.may_finish.wait(30)
        spoken = WORDS.split()
        step = SECONDS / len(spoken)
        words = tuple(Word(word, at * step, (at + 1) * step, 0.9) for at, word in enumerate(spoken))
        return Heard((Passage(WORDS, 0.0, SECONDS, words, 1.0, -0.2, 0.0),), SECONDS)
