"""Files of known size and digest below one address: those of a voice or of a speech model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from haichieu.media import digest_of
from haichieu.resumable_download import download


@dataclass(frozen=True)
class RemoteFile:
    """One file, at `path` below the base address."""

    path: str
    bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """The name of the file on disk."""
        return PurePosixPath(self.path).name

    def is_whole(self, folder: Path) -> bool:
        """Return whether the file is in the folder with the right size and digest."""
        path = folder / self.name
        return path.is_file() and path.stat().st_size == self.bytes and digest_of(path) == self.sha256


def are_whole(files: Sequence[RemoteFile], folder: Path) -> bool:
    """Return whether every file is in the folder with the right digest."""
    return all(file.is_whole(folder) for file in files)


def fetch_files(
    files: Sequence[RemoteFile], folder: Path, base: str, progress: Callable[[int], None] = lambda count: None
) -> None:
    """Download the files that are missing or damaged; `progress` receives the number of bytes that are there.

    The largest file comes last: what they are for is used when it is there. Raises DownloadFailed.
    """
    there = 0
    for file in sorted(files, key=lambda file: file.bytes):
        if not file.is_whole(folder):
            address = f"{base.rstrip('/')}/{file.path}"
            download(address, folder / file.name, file.bytes, file.sha256, partial(_add, progress, there))
        there += file.bytes
        progress(there)


def _add(progress: Callable[[int], None], before: int, count: int) -> None:
    progress(before + count)
