"""The file of a backup: a gzip-compressed tar archive, encrypted when a passphrase is given.

Its first member is `manifest.json`, its last `SHA256SUMS` with the digest of every other one, in the format of
sha256sum(1). Everything streams: no member is in memory as a whole.
"""

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from haichieu.backup.encryption import MAGIC, DecryptingReader, EncryptingWriter
from haichieu.backup.errors import BackupDamaged, PassphraseNeeded

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
DATABASE = "database.sqlite"
SETTINGS = "haichieu.toml"
FOLDERS = ("secrets", "spool", "map", "media")
_GZIP_MAGIC = b"\x1f\x8b"
_MOST_MANIFEST = 1 << 20
_MOST_SUMS = 1 << 28
_FAST = 1
"""Compression level: speech hardly shrinks, and calls need the processor."""


class Manifest(BaseModel):
    """What a backup contains. `bytes` is the size of its members; `missing` names media that were already lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = 1
    version: str
    revision: str
    database: str
    station: str
    made_at: str
    bytes: int
    missing: list[str] = []


class ArchiveWriter:
    """Writes the members of a backup one after the other. `proceed` is called often, and may raise to stop."""

    def __init__(self, archive: tarfile.TarFile, proceed: Callable[[], None]) -> None:
        self._archive = archive
        self._proceed = proceed
        self._sums: list[str] = []

    def add(self, name: str, file: IO[bytes], size: int, mtime: float = 0) -> None:
        """Add `size` bytes of a file. Raises OSError when it has fewer."""
        about = tarfile.TarInfo(name)
        about.size, about.mtime, about.mode = size, int(mtime), 0o600
        reader = _Hashing(file, self._proceed)
        self._archive.addfile(about, reader)
        self._sums.append(f"{reader.digest.hexdigest()}  {name}\n")

    def add_text(self, name: str, text: str) -> None:
        """Add a short member."""
        data = text.encode()
        self.add(name, io.BytesIO(data), len(data))

    def add_file(self, name: str, path: Path) -> None:
        """Add a file that does not change."""
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            self.add(name, file, about.st_size, about.st_mtime)

    def finish(self) -> None:
        """Add the digests."""
        self.add_text(SUMS, "".join(self._sums))


@contextlib.contextmanager
def writing(file: IO[bytes], passphrase: str, proceed: Callable[[], None]) -> Iterator[ArchiveWriter]:
    """Write a backup to an open file; it is complete only when the block ends without an error."""
    lower = EncryptingWriter(file, passphrase) if passphrase else None
    with (
        gzip.GzipFile("", "wb", _FAST, lower or file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        writer = ArchiveWriter(archive, proceed)
        yield writer
        writer.finish()
    if lower is not None:
        lower.close()


def is_encrypted(path: Path) -> bool:
    """Return whether a passphrase is needed to restore this file. Raises BackupDamaged if it is no backup at all."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(MAGIC))
    except OSError as problem:
        raise BackupDamaged("backup.not_read", file=path, why=problem.strerror or str(problem)) from problem
    if begin != MAGIC and not begin.startswith(_GZIP_MAGIC):
        raise BackupDamaged("backup.not_ours", file=path)
    return begin == MAGIC


def unpack(path: Path, passphrase: str, folder: Path, accept: Callable[[Manifest], None]) -> Manifest:
    """Unpack a backup into an empty folder and verify every digest; `accept` may refuse it by its manifest.

    Only regular files with names of ours are written, with mode 0600. Raises BackupDamaged or PassphraseNeeded.
    """
    encrypted = is_encrypted(path)
    if encrypted and not passphrase:
        raise PassphraseNeeded("backup.passphrase_needed")
    try:
        with path.open("rb") as file, contextlib.ExitStack() as stack:
            lower: Any = file
            if encrypted:
                file.seek(len(MAGIC))
                lower = stack.enter_context(io.BufferedReader(DecryptingReader(file, passphrase)))
            packed = stack.enter_context(gzip.GzipFile(fileobj=lower, mode="rb"))
            archive = stack.enter_context(tarfile.open(fileobj=packed, mode="r|"))
            manifest = _unpack(archive, folder, accept)
            while packed.read(1 << 20):  # to the end, whose checksums are checked then
                pass
            return manifest
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValidationError, UnicodeError) as problem:
        raise BackupDamaged("backup.damaged") from problem


def _unpack(archive: tarfile.TarFile, folder: Path, accept: Callable[[Manifest], None]) -> Manifest:
    manifest: Manifest | None = None
    sums: dict[str, str] = {}
    room = 0
    for about in archive:
        content = archive.extractfile(about) if about.isreg() else None
        if content is None or SUMS in sums or about.name in sums:
            raise BackupDamaged("backup.damaged")
        if manifest is None:
            text = _short(content, about, MANIFEST, _MOST_MANIFEST)
            manifest = Manifest.model_validate_json(text)
            accept(manifest)
            room = manifest.bytes
            sums[MANIFEST] = hashlib.sha256(text).hexdigest()
        elif about.name == SUMS:
            if _read_sums(_short(content, about, SUMS, _MOST_SUMS)) != sums:
                raise BackupDamaged("backup.damaged")
            sums[SUMS] = ""
        else:
            room -= about.size
            if room < 0 or not _is_ours(about.name):
                raise BackupDamaged("backup.damaged")
            sums[about.name] = _write(content, folder / about.name, about)
    if manifest is None or SUMS not in sums or DATABASE not in sums:
        raise BackupDamaged("backup.damaged")
    return manifest


def _short(content: IO[bytes], about: tarfile.TarInfo, name: str, most: int) -> bytes:
    if about.name != name or about.size > most:
        raise BackupDamaged("backup.damaged")
    return content.read()


def _read_sums(text: bytes) -> dict[str, str]:
    """Return digests by name, of a file in the format of sha256sum."""
    return {name: digest for digest, _, name in (line.partition("  ") for line in text.decode().splitlines())}


def _is_ours(name: str) -> bool:
    first, *rest = name.split("/")
    if not rest:
        return first in (DATABASE, SETTINGS)
    return first in FOLDERS and all(part not in ("", ".", "..") and "\0" not in part for part in rest)


def _write(content: IO[bytes], target: Path, about: tarfile.TarInfo) -> str:
    target.parent.mkdir(parents=True, exist_ok=True)
    reader = _Hashing(content, lambda: None)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(target, flags, 0o600), "wb") as file:
        shutil.copyfileobj(reader, file, 1 << 18)
    with contextlib.suppress(ValueError, OverflowError):  # a time that nobody could have written
        os.utime(target, (about.mtime, about.mtime))
    return reader.digest.hexdigest()


class _Hashing:
    """Passes a file on and computes its digest."""

    def __init__(self, file: IO[bytes], proceed: Callable[[], None]) -> None:
        self.digest = hashlib.sha256()
        self._file = file
        self._proceed = proceed

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        self._proceed()
        data = self._file.read(size)
        self.digest.update(data)
        return data
