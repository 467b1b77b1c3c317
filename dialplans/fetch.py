"""Fetching an Asterisk from Debian unstable into a folder, without installing it and without being root.

apt itself resolves, downloads and checks signatures, with a state of its own: no package of the machine is
touched, and no package of unstable is ever installed on it. Nothing counts before the last step, a rename.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import pwd
import shutil
import subprocess
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dialplans.installation import (
    ARCHITECTURES,
    COMPLETE,
    Architecture,
    Installation,
    NoAsterisk,
    fetched_installation,
)
from haichieu.errors import EnvironmentProblem

SUITE = "unstable"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGES = ("asterisk", "asterisk-modules")
LEAVE_OUT = (
    "usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/zoneinfo", "usr/share/perl", "usr/share/perl5",
    "usr/lib/{triplet}/perl",
    "usr/lib/{triplet}/perl-base", "usr/lib/{triplet}/gconv", "usr/share/bug", "usr/share/lintian",
)  # fmt: skip
MAIN_SUITES = frozenset({"stable", "oldstable", "testing", "unstable", "sid"})

Progress = Callable[[int, int, str], None]
"""Told of bytes done, bytes in all, and what is being done."""


class FetchFailed(EnvironmentProblem):
    """apt could not bring the packages; its own words are in the message."""


@dataclass(frozen=True)
class Download:
    """One package to fetch."""

    file: str
    size: int


def fetch_asterisk(cache: Path, progress: Progress) -> Installation:
    """Return the Asterisk in `cache`, fetching it first when it is not there.

    Two callers at once wait for each other. An interruption leaves at most packages that apt takes up again.
    Raises NoAsterisk on a machine it cannot be done on, FetchFailed when apt fails.
    """
    architecture = _architecture()
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / "lock"):
        if found := fetched_installation(cache):
            return found
        for leftover in cache.glob("unpacking-*"):
            shutil.rmtree(leftover)
        apt = _PrivateApt(cache / "download", architecture, progress)
        packages = apt.download(PACKAGES)
        staging = cache / f"unpacking-{os.getpid()}"
        _unpack(packages, staging, architecture, progress)
        shutil.rmtree(cache / "root", ignore_errors=True)
        staging.rename(cache / "root")
        shutil.rmtree(cache / "download")
        found = fetched_installation(cache)
    if found is None:
        raise FetchFailed(
            f"Asterisk đã tải về không chạy được. / The fetched Asterisk does not run: see {cache / 'root'}."
        )
    return found


def _architecture() -> Architecture:
    architecture = ARCHITECTURES.get(platform.machine())
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if architecture is None or missing or not KEYRING.exists():
        raise NoAsterisk(
            "Máy này không tự tải được Asterisk; hãy cài Asterisk 20 trở lên hoặc đặt HAICHIEU_ASTERISK. / "
            "An Asterisk can only be fetched on a Debian-like x86-64 or arm64 machine with apt and Debian's "
            "archive keyring: install Asterisk 20 or newer, or point HAICHIEU_ASTERISK at its binary."
        )
    return architecture


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def debian_mirror() -> str:
    """Return the Debian mirror of the machine's own apt configuration, whatever suite it is configured for.

    Security, update and foreign archives are passed over. Raises NoAsterisk when there is none.
    """
    wanted = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", wanted, "Created-By: Packages"],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    return choose_mirror(listed.splitlines(), _codename())


def choose_mirror(targets: list[str], codename: str) -> str:
    """Choose among `URI|suite|component` lines the one that is Debian's main archive."""
    for target in targets:
        uri, suite, component = (*target.split("|"), "", "")[:3]
        if component == "main" and suite in MAIN_SUITES | {codename}:
            return uri
    raise NoAsterisk(
        "Cấu hình apt của máy không có kho Debian nào. / The machine's apt configuration names no Debian mirror: "
        "install Asterisk 20 or newer, or point HAICHIEU_ASTERISK at its binary."
    )


def _codename() -> str:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


class _PrivateApt:
    """apt-get with every state, cache and source of its own."""

    def __init__(self, folder: Path, architecture: Architecture, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        for part in ("lists/partial", "archives/partial", "log"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {debian_mirror()} {SUITE} main\n")
        options = {
            "Dir::State": folder, "Dir::State::lists": folder / "lists", "Dir::State::status": folder / "status",
            "Dir::Cache": folder, "Dir::Cache::archives": folder / "archives", "Dir::Log": folder / "log",
            "Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null", "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Architecture": architecture.debian, "APT::Architectures": architecture.debian,
            "APT::Install-Recommends": "false", "APT::Sandbox::User": pwd.getpwuid(os.getuid()).pw_name,
            "APT::Update::Post-Invoke": "", "APT::Update::Post-Invoke-Success": "",
            "Acquire::Languages": "none", "Acquire::Retries": "3",
        }  # fmt: skip
        self._options = [f"-o{name}={value}" for name, value in options.items()]

    def download(self, packages: tuple[str, ...]) -> list[Path]:
        """Download packages with all they need, signatures and digests checked; return the files."""
        self._progress(0, 0, "Danh mục gói / package lists")
        self._update()
        install = ("install", "--yes", "--download-only", *packages)
        wanted = _downloads(self._run("--print-uris", "-qq", *install))
        archives = self._folder / "archives"
        with subprocess.Popen(
            ["apt-get", *self._options, "-qq", *install],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        ) as apt:  # fmt: skip
            total = sum(package.size for package in wanted)
            try:
                while _still_running(apt):
                    self._progress(_bytes_in(archives), total, "Tải Asterisk / downloading Asterisk")
            except BaseException:
                apt.kill()
                raise
            said = apt.stderr.read() if apt.stderr else ""
        if apt.returncode:
            raise _failed(said)
        return [archives / package.file for package in wanted]

    def _update(self) -> None:
        try:
            self._run("update", "-qq")
        except FetchFailed as problem:
            if "xpired" not in str(problem) and "not valid" not in str(problem):
                raise
            # Signatures are still checked; only the date up to which the mirror vouched for its index is over.
            self._progress(0, 0, "Danh mục của kho đã quá hạn / the mirror's index is out of date, used all the same")
            self._run("update", "-qq", "-oAcquire::Check-Valid-Until=false")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(["apt-get", *self._options, *arguments], capture_output=True, text=True, check=False)
        # `update` ends with 0 although an index could not be had.
        if done.returncode or "Failed to fetch" in done.stderr:
            raise _failed(done.stderr)
        return done.stdout


def _still_running(process: "subprocess.Popen[str]") -> bool:
    try:
        process.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        return True
    return False


def _failed(said: str) -> FetchFailed:
    words = " ".join(line for line in said.splitlines() if line.startswith("E:")) or said.strip()
    return FetchFailed(
        f"Không tải được Asterisk: {words} / Asterisk could not be fetched: {words} "
        "Check the network and the apt configuration, then run the same command again."
    )


def _downloads(uris: str) -> list[Download]:
    """Read `apt-get --print-uris`: 'URI' file size digest."""
    rows = [line.split() for line in uris.splitlines() if line.startswith("'")]
    return [Download(row[1], int(row[2])) for row in rows]


def _bytes_in(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*.deb"):
        with contextlib.suppress(FileNotFoundError):  # it moves from partial/ while we look
            total += file.stat().st_size
    return total


def _unpack(packages: list[Path], staging: Path, architecture: Architecture, progress: Progress) -> None:
    staging.mkdir()
    what = "Giải nén / unpacking"
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for number, row in enumerate(pool.map(lambda package: _unpack_one(package, staging), packages), 1):
            progress(number, len(packages), what)
            with (staging / "packages.part").open("a") as listing:
                listing.write("\t".join(row) + "\n")
    for folder in LEAVE_OUT:
        shutil.rmtree(staging / folder.format(triplet=architecture.triplet), ignore_errors=True)
    sounds = staging / "usr/share/asterisk/sounds"
    if not (sounds / "en").exists():
        # The package's postinst would do it.
        (sounds / "en").symlink_to("en_US_f_Allison")
    (staging / "packages.part").rename(staging / COMPLETE)


def _unpack_one(package: Path, staging: Path) -> tuple[str, str, str]:
    subprocess.run(["dpkg-deb", "-x", str(package), str(staging)], check=True, capture_output=True)
    name, version, _ = urllib.parse.unquote(package.name).split("_", 2)
    with package.open("rb") as file:
        return name, version, hashlib.file_digest(file, "sha256").hexdigest()
