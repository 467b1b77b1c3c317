"""Engines by the names of the setting `transcriber`, and the models that they use."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from feedback.transcription import model_folder, zipformer
from feedback.transcription.engine import Engine
from feedback.transcription.model_catalogue import SpeechModel, speech_models
from feedback.transcription.two_engines import TwoEngines
from feedback.transcription.viet_asr import VietAsrEngine
from feedback.transcription.whisper import WhisperEngine
from feedback.transcription.zipformer import ZipformerEngine

NONE = "none"
NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {WhisperEngine.name: model_folder.WHISPER, ZipformerEngine.name: zipformer.NEEDED}
)
"""The files of a model, by the engine that has its models in folders."""


def engine_named(name: str, model: Path | None, threads: int = 1) -> Engine | None:
    """Return the engine of that name, not yet loaded, with a model folder or its own; None for `none`."""
    if name == NONE:
        return None
    if name == VietAsrEngine.name:
        return VietAsrEngine()
    folder = model or own_model(name).folder
    if name == ZipformerEngine.name:
        return ZipformerEngine(folder, threads)
    whisper = WhisperEngine(folder, threads)
    return TwoEngines(whisper, VietAsrEngine()) if has_second_engine() else whisper


def own_model(name: str) -> SpeechModel:
    """Return the model that an engine uses unless another is set; engines without models in folders have Whisper's."""
    return next((model for model in speech_models() if model.engine == name), speech_models()[0])


def has_second_engine() -> bool:
    """Return whether `viet-asr` is installed; without it, Whisper listens to Vietnamese alone."""
    return importlib.util.find_spec("vietasr") is not None
