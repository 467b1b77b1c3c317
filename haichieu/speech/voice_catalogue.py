"""Voices that can be fetched: their addresses, sizes, digests, licences and credits, and fetching one."""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path, PurePosixPath

from haichieu.errors import UsageError
from haichieu.media import digest_of
from haichieu.resumable_download import download


class UnknownVoice(UsageError):
    """No voice of this name can be fetched."""


@dataclass(frozen=True)
class VoiceFile:
    """One file of a voice, at `path` below the base address."""

    path: str
    bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """The name of the file in the folder of voices."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True)
class FetchableVoice:
    """A voice of the catalogue."""

    name: str
    language: str
    licence: str
    credit: str
    base: str
    files: tuple[VoiceFile, ...]

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
        FetchableVoice(**{**voice, "files": tuple(VoiceFile(**file) for file in voice["files"])})
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
    return all(
        (path := folder / file.name).is_file() and path.stat().st_size == file.bytes and digest_of(path) == file.sha256
        for file in voice.files
    )


def fetch_voice(
    voice: FetchableVoice, folder: Path, base: str = "", progress: Callable[[int], None] = lambda count: None
) -> None:
    """Download the files of a voice that are missing or damaged, from `base` if it is given.

    `progress` receives the number of bytes that are there. The model comes last: a voice is used when it is there.
    Raises DownloadFailed.
    """
    there = 0
    for file in sorted(voice.files, key=lambda file: file.bytes):
        target = folder / file.name
        if not (target.is_file() and digest_of(target) == file.sha256):
            address = (base.rstrip("/") + "/" if base else voice.base) + file.path
            download(address, target, file.bytes, file.sha256, partial(_add, progress, there))
        there += file.bytes
        progress(there)


def _add(progress: Callable[[int], None], before: int, count: int) -> None:
    progress(before + count)
