"""Voices that can be fetched: their addresses, sizes, digests, licences and credits, and fetching one."""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from haichieu.errors import UsageError
from haichieu.remote_files import RemoteFile, are_whole, fetch_files


class UnknownVoice(UsageError):
    """No voice of this name can be fetched."""


@dataclass(frozen=True)
class FetchableVoice:
    """A voice of the catalogue."""

    name: str
    language: str
    licence: str
    credit: str
    base: str
    files: tuple[RemoteFile, ...]

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)


def fetchable_voices() -> tuple[FetchableVoice, ...]:
    """Read the catalogue beside this module."""
    return parse_catalogue(resources.files(__package__).joinpath("voice_catalogue.toml").read_text())


def parse_catalogue(text: str) -> tuple[FetchableVoice, ...]:
    """Parse a catalogue in TOML."""
    return tuple(
        FetchableVoice(**{**voice, "files": tuple(RemoteFile(**file) for file in voice["files"])})
        for voice in tomllib.loads(text)["voices"]
    )


def voice_named(name: str, voices: Sequence[FetchableVoice]) -> FetchableVoice:
    """Return a voice of the catalogue. Raises UnknownVoice."""
    for voice in voices:
        if voice.name == name:
            return voice
    raise UnknownVoice("voice.unknown", name=name, known=tuple(voice.name for voice in voices))


def is_whole(voice: FetchableVoice, folder: Path) -> bool:
    """Return whether every file of the voice is in the folder with the right digest."""
    return are_whole(voice.files, folder)


def fetch_voice(
    voice: FetchableVoice, folder: Path, base: str = "", progress: Callable[[int], None] = lambda count: None
) -> None:
    """Download the files of a voice that are missing or damaged, from `base` if it is given.

    `progress` receives the number of bytes that are there. Raises DownloadFailed.
    """
    fetch_files(voice.files, folder, base or voice.base, progress)
