"""The interface of speech recognition engines. Engines are slow and used by one thread."""

from dataclasses import dataclass
from typing import Protocol

from haichieu.audio.sound import Sound


@dataclass(frozen=True)
class Word:
    """One word, its begin and end in seconds, and the engine's certainty (0 to 1)."""

    text: str
    begin: float
    end: float
    probability: float

    def as_json(self) -> dict[str, str | float]:
        """Return the form stored in `Transcript.words`."""
        return {
            "w": self.text,
            "s": round(self.begin, 2),
            "e": round(self.end, 2),
            "p": round(self.probability, 3),
        }


@dataclass(frozen=True)
class Passage:
    """A stretch of speech as the engine understood it, with its doubts; None where it gives none.

    `compression_ratio` is high for repeated words, `mean_log_probability` low for guesses, and `no_speech` the
    probability that no person spoke. `doubtful` is the engine's own doubt.
    """

    text: str
    begin: float
    end: float
    words: tuple[Word, ...] = ()
    compression_ratio: float | None = None
    mean_log_probability: float | None = None
    no_speech: float | None = None
    doubtful: bool = False


@dataclass(frozen=True)
class Heard:
    """The result for a sound; `speech_seconds` is the duration of speech in it."""

    passages: tuple[Passage, ...]
    speech_seconds: float


class Engine(Protocol):
    """A speech recognition engine, which loads its model on first use and keeps it."""

    name: str
    model: str

    def knows(self, language: str) -> bool:
        """Return whether it supports this language (ISO 639)."""
        ...

    def load(self) -> None:
        """Load the model. Raises EngineUnusable; it can be tried again."""
        ...

    def listen(self, sound: Sound, language: str) -> Heard:
        """Transcribe at most half a minute of sound. Raises EngineUnusable or TranscriptionFailed."""
        ...
