"""What every engine of speech recognition offers, and what it gives back. Engines are slow and used by one thread."""

from dataclasses import dataclass
from typing import Protocol

from haichieu.audio.sound import Sound


@dataclass(frozen=True)
class Word:
    """One word, from when to when it was spoken (in seconds), and how sure the engine is of it (0 to 1)."""

    text: str
    begin: float
    end: float
    probability: float

    def as_json(self) -> dict[str, str | float]:
        """The form in which `Transcript.words` keeps it."""
        return {
            "w": self.text,
            "s": round(self.begin, 2),
            "e": round(self.end, 2),
            "p": round(self.probability, 3),
        }


@dataclass(frozen=True)
class Passage:
    """A stretch of speech as an engine understood it, with what it says of its own doubts; None where it says nothing.

    `compression_ratio` is high where words repeat, `mean_log_probability` low where the engine guessed, and `no_speech`
    the probability that nobody spoke.
    """

    text: str
    begin: float
    end: float
    words: tuple[Word, ...] = ()
    compression_ratio: float | None = None
    mean_log_probability: float | None = None
    no_speech: float | None = None


@dataclass(frozen=True)
class Heard:
    """Everything an engine made of a sound; `speech_seconds` is how long somebody spoke in it."""

    passages: tuple[Passage, ...]
    speech_seconds: float


class Engine(Protocol):
    """One engine of speech recognition, which loads its model when it is first used and keeps it."""

    name: str
    model: str

    def knows(self, language: str) -> bool:
        """Whether it can write down this language (ISO 639)."""
        ...

    def load(self) -> None:
        """Make ready. Raises EngineUnusable; nothing is kept then, and it can be tried again."""
        ...

    def listen(self, sound: Sound, language: str) -> Heard:
        """Write down a piece of sound of at most half a minute. Raises EngineUnusable or TranscriptionFailed."""
        ...
