"""`zipformer`: an optional engine for Vietnamese, which runs a transducer model with sherpa-onnx.

It gives the times of words, and the certainty of each where the library reports one. It always produces text, so
speech is detected before it is used.
"""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from feedback.transcription import model_folder
from feedback.transcription.engine import Heard, Passage, Word
from feedback.transcription.errors import EngineMissing, LanguageNotKnown, ModelUnusable, TranscriptionFailed
from feedback.transcription.voice import RATE, speech_seconds
from feedback.transcription.written_numbers import written
from haichieu.audio.sound import Sound, resample
from haichieu.errors import message_of

INSTALL = ".venv/bin/pip install sherpa-onnx==2.0.1 sherpa-onnx-core==2.0.1"
NEEDED = (("encoder*.onnx",), ("decoder*.onnx",), ("joiner*.onnx",), ("tokens.txt",))
FIRST_OF_WORD = ("▁", " ")
"""A token that begins so begins a word."""
UNSURE = 0.5
"""A word below this certainty makes the transcript doubtful."""
WORD_SECONDS = 0.3
"""The longest that a word lasts after its last token begins."""


class ZipformerEngine:
    """A Vietnamese zipformer transducer in sherpa-onnx, loaded when it is first used."""

    name = "zipformer"

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.model = folder.name
        self._folder, self._threads = folder, threads
        self._recognizer: Any = None

    def knows(self, language: str) -> bool:
        """Return whether the language is Vietnamese."""
        return language == "vi"

    def load(self) -> None:
        """Load the model unless it is loaded. Raises EngineMissing or ModelUnusable."""
        if self._recognizer is None:
            self._recognizer = self._load()

    def listen(self, sound: Sound, language: str) -> Heard:
        """Transcribe a piece of sound. Raises EngineUnusable, LanguageNotKnown or TranscriptionFailed."""
        if not self.knows(language):
            raise LanguageNotKnown(language, self.name)
        spoken = speech_seconds(sound)
        if not spoken:
            return Heard((), 0.0)
        self.load()
        try:
            stream = self._recognizer.create_stream()
            stream.accept_waveform(RATE, resample(sound, RATE).samples.astype(np.float32))
            self._recognizer.decode_stream(stream)
        except RuntimeError as problem:
            raise TranscriptionFailed(
                "transcript.engine_failed", engine=self.name, problem=message_of(problem)
            ) from problem
        words = written(tuple(words_of(stream.result, sound.seconds)))
        text = " ".join(word.text for word in words)
        doubtful = any(word.probability < UNSURE for word in words)
        return Heard((Passage(text, 0.0, sound.seconds, words, doubtful=doubtful),) if text else (), spoken)

    def _load(self) -> Any:
        model_folder.require(self._folder, NEEDED)
        try:
            import sherpa_onnx
        except ImportError as problem:
            raise EngineMissing("transcript.zipformer_missing", problem=str(problem), command=INSTALL) from problem
        files = {part: str(next(self._folder.glob(f"{part}*.onnx"))) for part in ("encoder", "decoder", "joiner")}
        try:
            return sherpa_onnx.OfflineRecognizer.from_transducer(
                **files, tokens=str(self._folder / "tokens.txt"), num_threads=self._threads, sample_rate=RATE
            )
        except Exception as problem:  # the library raises what it likes over a broken file
            raise ModelUnusable("transcript.model.broken", path=self._folder, problem=str(problem)) from problem


def words_of(result: Any, seconds: float) -> Iterator[Word]:
    """Yield the words of a result in small letters, with their times and certainties."""
    certainties = [math.exp(one) for one in getattr(result, "ys_log_probs", ())] or itertools.repeat(1.0)
    tokens = list(zip(result.tokens, result.timestamps, certainties, strict=False))
    firsts = [at for at, (token, *_) in enumerate(tokens) if not at or token.startswith(FIRST_OF_WORD)]
    for first, after in itertools.pairwise([*firsts, len(tokens)]):
        part = tokens[first:after]
        until = tokens[after][1] if after < len(tokens) else seconds
        text = "".join(token for token, _, _ in part).strip("".join(FIRST_OF_WORD)).lower()
        certainty = sum(certainty for _, _, certainty in part) / len(part)
        if text:
            yield Word(text, part[0][1], min(until, part[-1][1] + WORD_SECONDS), certainty)
