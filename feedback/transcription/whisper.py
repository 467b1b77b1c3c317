"""Whisper through faster-whisper and the SpeechRecognition package: the delivered engine.

SpeechRecognition loads the model on every call, so its recognizer is built here once and kept. Nothing is downloaded:
an incomplete folder is refused before the libraries would look for it on the network.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedback.transcription import model_folder
from feedback.transcription.engine import Heard, Passage, Word
from feedback.transcription.errors import LanguageNotKnown, ModelUnusable
from feedback.transcription.voice import THRESHOLD, speech_seconds
from haichieu.audio.sound import Sound

if TYPE_CHECKING:
    from faster_whisper.transcribe import Segment
    from speech_recognition.recognizers.whisper_local.base import WhisperCompatibleRecognizer

OPTIONS: dict[str, Any] = {
    "beam_size": 5,
    "temperature": 0.0,  # hotter tries invent words, and take up to three times as long as the sound lasts
    "vad_filter": True,
    "vad_parameters": {"threshold": THRESHOLD},
    "condition_on_previous_text": False,
    "word_timestamps": True,
}
"""No initial prompt and no hot words: noise comes back as the prompt."""


class WhisperEngine:
    """Whisper on the processor, in 8-bit integers; one thread by default, so that calls are not disturbed."""

    name = "faster-whisper"

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.model = folder.name
        self._folder, self._threads = folder, threads
        self._recognizer: WhisperCompatibleRecognizer | None = None

    def knows(self, language: str) -> bool:
        """Return whether Whisper was trained on this language; not on Tày, H'Mông or Dao."""
        from faster_whisper.tokenizer import _LANGUAGE_CODES

        return language in _LANGUAGE_CODES

    def load(self) -> None:
        """Load the model unless it is loaded. Raises ModelUnusable."""
        if self._recognizer is None:
            self._recognizer = self._load()

    def listen(self, sound: Sound, language: str) -> Heard:
        """Transcribe a piece of sound. Raises ModelUnusable or LanguageNotKnown."""
        if not self.knows(language):
            raise LanguageNotKnown(language, self.name)
        from speech_recognition.audio import AudioData

        self.load()
        assert self._recognizer is not None  # noqa: S101
        audio = AudioData(sound.pcm(), sound.rate, 2)
        result: Any = self._recognizer.recognize(audio, show_dict=True, language=language, **OPTIONS)
        return Heard(tuple(_passage(segment) for segment in result["segments"]), speech_seconds(sound))

    def _load(self) -> "WhisperCompatibleRecognizer":
        # Loaded late: only a worker with a message to transcribe needs these libraries.
        from faster_whisper import WhisperModel
        from speech_recognition.recognizers.whisper_local.base import WhisperCompatibleRecognizer
        from speech_recognition.recognizers.whisper_local.faster_whisper import TranscribableAdapter

        model_folder.require(self._folder)
        try:
            model = WhisperModel(
                str(self._folder),
                device="cpu",
                compute_type="int8",
                cpu_threads=self._threads,
                local_files_only=True,
            )
        except Exception as problem:  # the libraries raise what they like over a broken file
            raise ModelUnusable("transcript.model.broken", path=self._folder, problem=str(problem)) from problem
        return WhisperCompatibleRecognizer(TranscribableAdapter(model))


def _passage(segment: "Segment") -> Passage:
    words = tuple(
        Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
        for word in segment.words or ()
    )
    return Passage(
        segment.text,
        float(segment.start),
        float(segment.end),
        words,
        float(segment.compression_ratio),
        float(segment.avg_logprob),
        float(segment.no_speech_prob),
    )
