"""Folders of speech models: the files that an engine requires, and those of a model in the catalogue."""

from collections.abc import Sequence
from pathlib import Path

from feedback.transcription.errors import ModelUnusable
from feedback.transcription.model_catalogue import SpeechModel, delivered_model
from haichieu.media import digest_of

WHISPER = (("model.bin",), ("config.json",), ("tokenizer.json",), ("vocabulary.txt", "vocabulary.json"))
"""Files of a Whisper model for CTranslate2, each by one of its names; without its tokenizer faster-whisper would
download one."""


def default_folder() -> Path:
    """Return the folder of the delivered model."""
    return delivered_model().folder


def require(folder: Path, needed: Sequence[Sequence[str]] = WHISPER) -> None:
    """Raise ModelUnusable, naming what is missing, unless a model could be loaded from the folder.

    Each of the needed files has one or several patterns of names.
    """
    if not folder.is_dir():
        raise ModelUnusable("transcript.model.no_folder", path=folder)
    missing = tuple(
        "|".join(names)
        for names in needed
        if not any(file.is_file() and file.stat().st_size for name in names for file in folder.glob(name))
    )
    if missing:
        raise ModelUnusable("transcript.model.files_missing", path=folder, files=missing)


def require_whole(folder: Path, model: SpeechModel) -> None:
    """Raise ModelUnusable, naming the file, unless every file of the model is there with the right digest."""
    for file in model.files:
        path = folder / file.name
        if not path.is_file():
            raise ModelUnusable("transcript.model.file_missing", path=path)
        if (found := digest_of(path)) != file.sha256:
            raise ModelUnusable("transcript.model.wrong_digest", path=path, found=found, expected=file.sha256)
