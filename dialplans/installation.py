"""Installed Asterisk: named in the settings, found on the PATH, or fetched earlier into the cache."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from haichieu.errors import EnvironmentProblem
from haichieu.settings import Settings

OLDEST = 20
COMPLETE = "packages.tsv"
"""The list of packages of a fetched Asterisk, written last: it proves that unpacking finished."""


class NoAsterisk(EnvironmentProblem):
    """No usable Asterisk, and none can be fetched."""


@dataclass(frozen=True)
class Architecture:
    """Debian's names for this machine."""

    debian: str
    triplet: str
    loader: str


ARCHITECTURES = {
    "x86_64": Architecture("amd64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "aarch64": Architecture("arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}


@dataclass(frozen=True)
class Installation:
    """Command and folders of an Asterisk."""

    argv: tuple[str, ...]
    version: str
    modules: Path
    data: Path


def find_installation(settings: Settings) -> Installation | None:
    """Return the Asterisk to use, or None when one has to be fetched.

    Raises NoAsterisk when the setting names no Asterisk, or one that is too old.
    """
    if settings.asterisk:
        named = _on_this_machine(Path(settings.asterisk))
        if named is None:
            raise NoAsterisk("asterisk.too_old_or_none", path=settings.asterisk, oldest=OLDEST)
        return named
    on_path = shutil.which("asterisk", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if on_path and (found := _on_this_machine(Path(on_path))):
        return found
    return fetched_installation(cache_folder(settings))


def cache_folder(settings: Settings) -> Path:
    """Return the folder of a fetched Asterisk, shared by all stations of this user."""
    return settings.asterisk_cache or Path.home() / ".cache" / "haichieu" / "asterisk"


def fetched_installation(cache: Path) -> Installation | None:
    """Return the Asterisk in the cache, or None unless it is complete."""
    root, architecture = cache / "root", ARCHITECTURES.get(platform.machine())
    if architecture is None or not (root / COMPLETE).exists():
        return None
    libraries = root / "usr/lib" / architecture.triplet
    # With its own loader and libraries; LD_LIBRARY_PATH would leak them into host programs that it starts.
    loader = (str(libraries / architecture.loader), "--library-path", str(libraries), "--argv0", "asterisk")
    argv = (*loader, str(root / "usr/sbin/asterisk"))
    version = _version(argv)
    if version is None:
        return None
    return Installation(argv, version, libraries / "asterisk/modules", root / "usr/share/asterisk")


def _on_this_machine(binary: Path) -> Installation | None:
    version = _version((str(binary),))
    if version is None or int(version.split(".")[0]) < OLDEST:
        return None
    prefix = binary.resolve().parent.parent
    triplet = ARCHITECTURES[platform.machine()].triplet if platform.machine() in ARCHITECTURES else ""
    modules = _first_folder(
        *(base / "lib" / triplet / "asterisk/modules" for base in (prefix, Path("/usr"))),
        *(base / lib / "asterisk/modules" for base in (prefix, Path("/usr")) for lib in ("lib", "lib64")),
    )
    data = _first_folder(prefix / "share/asterisk", Path("/usr/share/asterisk"), Path("/var/lib/asterisk"))
    return Installation((str(binary),), version, modules, data) if modules and data else None


def _first_folder(*candidates: Path) -> Path | None:
    return next((folder for folder in candidates if folder.is_dir()), None)


def _version(argv: Iterable[str]) -> str | None:
    try:
        printed = subprocess.run([*argv, "-V"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"Asterisk (?:certified/)?(\d+[\w.]*)", printed)
    return found[1] if found else None
