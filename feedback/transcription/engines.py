"""Engines by the names of the setting `transcriber`."""

import importlib.util
from pathlib import Path

from feedback.transcription.engine import Engine
from feedback.transcription.two_engines import TwoEngines
from feedback.transcription.viet_asr import VietAsrEngine
from feedback.transcription.whisper import WhisperEngine

NONE = "none"


def engine_named(name: str, model: Path, threads: int = 1) -> Engine | None:
    """Return the engine of that name, not yet loaded; None for `none`."""
    if name == NONE:
        return None
    if name == VietAsrEngine.name:
        return VietAsrEngine()
    whisper = WhisperEngine(model, threads)
    return TwoEngines(whisper, VietAsrEngine()) if has_second_engine() else whisper


def has_second_engine() -> bool:
    """Return whether `viet-asr` is installed; without it, Whisper listens to Vietnamese alone."""
    return importlib.util.find_spec("vietasr") is not None
