"""The engines by the names that the setting `transcriber` takes."""

from pathlib import Path

from feedback.transcription.engine import Engine
from feedback.transcription.viet_asr import VietAsrEngine
from feedback.transcription.whisper import WhisperEngine

NONE = "none"


def engine_named(name: str, model: Path, threads: int = 1) -> Engine | None:
    """The engine of that name, nothing loaded yet; None for `none`."""
    if name == NONE:
        return None
    return VietAsrEngine() if name == VietAsrEngine.name else WhisperEngine(model, threads)
