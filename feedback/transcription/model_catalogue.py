"""Speech models that can be fetched: where their files come from, sizes, digests, licences and credits."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from haichieu.errors import UsageError
from haichieu.remote_files import RemoteFile


class UnknownModel(UsageError):
    """No model of this name can be fetched."""


@dataclass(frozen=True)
class Part:
    """One package with a part of a model, pinned by its digest."""

    requirement: str
    sha256: str


@dataclass(frozen=True)
class ModelFile:
    """One file of a model, its digest, and the package members that it is joined from, in order."""

    name: str
    bytes: int
    sha256: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class SpeechModel:
    """A model for `engine`: its files come from packages (`parts`), or from below the address `base`."""

    name: str
    engine: str
    licence: str
    credit: str
    files: tuple[ModelFile, ...]
    parts: tuple[Part, ...] = ()
    base: str = ""

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def folder(self) -> Path:
        """The folder of the fetched model, shared by all stations of this user."""
        return Path.home() / ".cache/haichieu/asr" / self.name

    @property
    def remote_files(self) -> tuple[RemoteFile, ...]:
        """The files as they are below `base`."""
        return tuple(RemoteFile(file.name, file.bytes, file.sha256) for file in self.files)


def speech_models() -> tuple[SpeechModel, ...]:
    """Read the catalogue beside this module."""
    return parse_models(resources.files(__package__).joinpath("speech_models.toml").read_text())


def parse_models(text: str) -> tuple[SpeechModel, ...]:
    """Parse a catalogue in TOML."""
    return tuple(
        SpeechModel(
            **{
                **model,
                "files": tuple(
                    ModelFile(**{**file, "members": tuple(file.get("members", ()))}) for file in model["files"]
                ),
                "parts": tuple(Part(**part) for part in model.get("parts", ())),
            }
        )
        for model in tomllib.loads(text)["models"]
    )


def delivered_model() -> SpeechModel:
    """Return the model that is downloaded at set-up."""
    return speech_models()[0]


def model_named(name: str, models: Sequence[SpeechModel]) -> SpeechModel:
    """Return a model of the catalogue. Raises UnknownModel."""
    for model in models:
        if model.name == name:
            return model
    raise UnknownModel("cli.model.unknown", name=name, known=tuple(model.name for model in models))
