"""Engines by the names of the setting `transcriber`."""

from pathlib import Path

from feedback.transcription.engine import Engine
from feedback.transcription.viet_asr import VietAsrEngine
from feedback.transcription.whisper import WhisperEngine

NONE = "none"


def engine_named(name: str, model: Path, threads: int = 1) -> Engine | None:
    """Return the engine of that name, not yet loaded; None for `none`."""
    if name == NONE:
        return None
    return VietAsrEngine() if name == VietAsrEngine.name else WhisperEngine(model, threads)
