"""Errors of transcription.

TranscriptionFailed
├── LanguageNotKnown     no installed engine supports it: a person has to listen
├── SoundUnusable        the recording is missing or cannot be read
└── EngineUnusable       nothing can be transcribed until it is repaired
    ├── EngineMissing    the engine's package is not installed
    └── ModelUnusable    the model's folder lacks a file or has a broken one
"""

from haichieu.errors import HaiChieuError


class TranscriptionFailed(HaiChieuError):
    """The message could not be transcribed."""


class LanguageNotKnown(TranscriptionFailed):
    """The engine does not know the language of the message."""

    def __init__(self, language: str, engine: str) -> None:
        super().__init__("transcript.language_not_known", engine=engine, language=language)


class SoundUnusable(TranscriptionFailed):
    """The recording is missing or cannot be read; trying again cannot help."""


class EngineUnusable(TranscriptionFailed):
    """The engine itself cannot work, whatever the message."""


class EngineMissing(EngineUnusable):
    """The engine's package is not installed."""


class ModelUnusable(EngineUnusable):
    """The folder of the model lacks something, or what is there is broken."""
