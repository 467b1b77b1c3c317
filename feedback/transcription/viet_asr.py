"""`viet-asr`: the optional second engine, for Vietnamese only, with its model inside the package.

It is more accurate for Vietnamese than Whisper's small models (see docs/transcription.md) but gives neither confidence
nor word times, and always produces text; so speech is detected before it is used.
"""

from typing import Any

import numpy as np

from feedback.transcription.engine import Heard, Passage
from feedback.transcription.errors import EngineMissing, LanguageNotKnown, TranscriptionFailed
from feedback.transcription.voice import RATE, speech_seconds
from haichieu.audio.sound import Sound, resample
from haichieu.errors import message_of

INSTALL = ".venv/bin/pip install viet-asr==0.1.0.dev11"


class VietAsrEngine:
    """The engine of the package `viet-asr`, loaded when it is first used."""

    name = "viet-asr"
    model = "embedded"

    def __init__(self) -> None:
        self._pipeline: Any = None

    def knows(self, language: str) -> bool:
        """Return whether the language is Vietnamese."""
        return language == "vi"

    def load(self) -> None:
        """Load the model unless it is loaded. Raises EngineMissing."""
        if self._pipeline is not None:
            return
        try:
            from vietasr import Pipeline

            self._pipeline = Pipeline.preset("transcribe")
        except Exception as problem:  # not installed, no build for this machine, or its library does not load
            raise EngineMissing("transcript.viet_asr_missing", problem=str(problem), command=INSTALL) from problem

    def listen(self, sound: Sound, language: str) -> Heard:
        """Transcribe a piece of sound. Raises EngineMissing, LanguageNotKnown or TranscriptionFailed."""
        if not self.knows(language):
            raise LanguageNotKnown(language, self.name)
        spoken = speech_seconds(sound)
        if not spoken:
            return Heard((), 0.0)
        self.load()
        samples = np.frombuffer(resample(sound, RATE).pcm(), "<i2")
        try:
            text = self._pipeline.transcribe(samples, float(RATE)).text
        except RuntimeError as problem:
            raise TranscriptionFailed(
                "transcript.engine_failed", engine=self.name, problem=message_of(problem)
            ) from problem
        return Heard((Passage(text, 0.0, sound.seconds),) if text.strip() else (), spoken)
