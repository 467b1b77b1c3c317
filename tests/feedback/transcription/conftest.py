"""The real engine, loaded once a session: that takes longer than most tests."""

import pytest

from feedback.transcription.model_catalogue import delivered_model
from feedback.transcription.model_download import fetch_model
from feedback.transcription.model_folder import default_folder
from feedback.transcription.whisper import WhisperEngine


@pytest.fixture(scope="session")
def whisper() -> WhisperEngine:
    """Whisper with the delivered model."""
    fetch_model(default_folder(), delivered_model())
    engine = WhisperEngine(default_folder())
    engine.load()
    return engine
