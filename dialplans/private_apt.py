"""apt-get with separate state, cache and sources: resolves, downloads and checks packages of one suite.

It installs nothing, does not touch the machine's packages and needs no privileges. Proxies and time-outs are those of
the machine's configuration.
"""

import contextlib
import os
import pwd
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dialplans.mirrors import ENVIRONMENT
from haichieu.errors import EnvironmentProblem
from haichieu.locale import Message, message
from haichieu.process_control import end_with_parent

Progress = Callable[[int, int, Message], None]
"""Receives bytes done, total bytes (0 while unknown) and the current step."""


class FetchFailed(EnvironmentProblem):
    """The packages could not be downloaded."""

    def __init__(self, why: Message) -> None:
        super().__init__("asterisk.not_fetched", why=why)


@dataclass(frozen=True)
class Package:
    """A package as the signed index describes it."""

    file: Path
    size: int
    sha256: str


class PrivateApt:
    """apt-get in `folder`, for Debian `architecture`, trusting only `keyring`.

    `lock` is a file descriptor that apt-get inherits, so that the lock lasts as long as apt-get runs.
    """

    def __init__(self, folder: Path, architecture: str, keyring: Path, lock: int, progress: Progress) -> None:
        self._folder = folder
        self._keyring = keyring
        self._lock = lock
        self._progress = progress
        for part in ("lists/partial", "archives/partial", "nothing/partial", "log"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        options = {
            "Dir::State": folder, "Dir::State::lists": folder / "lists", "Dir::State::status": folder / "status",
            "Dir::Cache": folder, "Dir::Cache::archives": folder / "archives", "Dir::Log": folder / "log",
            "Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null", "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Architecture": architecture, "APT::Architectures": architecture,
            "APT::Install-Recommends": "false", "APT::Sandbox::User": pwd.getpwuid(os.getuid()).pw_name,
            "APT::Update::Pre-Invoke": "", "APT::Update::Post-Invoke": "", "APT::Update::Post-Invoke-Success": "",
            "APT::Default-Release": "", "Acquire::Languages": "none", "Acquire::Retries": "3",
            "Acquire::ForceHash": "sha256",
            # Strict here, even if the machine's configuration relaxes it for its own archives.
            "Acquire::Check-Date": "true", "Acquire::Check-Valid-Until": "true",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::AllowWeakRepositories": "false", "Acquire::AllowDowngradeToInsecureRepositories": "false",
            "APT::Get::AllowUnauthenticated": "false",
        }  # fmt: skip
        self._options = [f"-o{name}={value}" for name, value in options.items()]

    def update(self, mirrors: Sequence[str], suite: str) -> None:
        """Fetch the index of `suite` from the first mirror that has it under the keyring's signature.

        Raises FetchFailed with the error of the first, likeliest mirror.
        """
        failures: list[FetchFailed] = []
        for mirror in mirrors:
            source = f"deb [signed-by={self._keyring}] {mirror} {suite} main\n"
            (self._folder / "sources.list").write_text(source)
            try:
                self._update()
            except FetchFailed as problem:
                failures.append(problem)
            else:
                return
        raise failures[0]

    def _update(self) -> None:
        self._progress(0, 0, message("asterisk.progress.lists"))
        try:
            self._run("update", "-qq")
        except FetchFailed as problem:
            if "expired" not in str(problem):
                raise
            # Signatures are still checked; only the validity date of the mirror's index has passed.
            self._progress(0, 0, message("asterisk.progress.outdated_index"))
            self._run("update", "-qq", "-oAcquire::Check-Valid-Until=false")

    def download(self, names: Sequence[str]) -> list[Package]:
        """Download packages with dependencies, resuming interrupted downloads. Raises FetchFailed."""
        archives = self._folder / "archives"
        install = ("install", "--yes", "--download-only", *names)
        # With an empty cache, because apt lists only packages that are not downloaded yet.
        listed = self._run("--print-uris", "-qq", f"-oDir::Cache::archives={self._folder / 'nothing'}", *install)
        packages = read_uris(listed, archives)
        total = sum(package.size for package in packages)
        with subprocess.Popen(
            ["apt-get", *self._options, "-qq", *install],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=ENVIRONMENT, pass_fds=(self._lock,), preexec_fn=end_with_parent,
        ) as apt:  # fmt: skip
            try:
                while _still_running(apt):
                    self._progress(_bytes_in(archives), total, message("asterisk.progress.download"))
            except BaseException:
                apt.terminate()
                raise
            said = apt.stderr.read() if apt.stderr else ""
        if apt.returncode:
            raise FetchFailed(_last_words(said))
        return packages

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["apt-get", *self._options, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            env=ENVIRONMENT, pass_fds=(self._lock,), preexec_fn=end_with_parent,
        )  # fmt: skip
        # `update` exits with 0 even if an index could not be fetched.
        if done.returncode or "Failed to fetch" in done.stderr:
            raise FetchFailed(_last_words(done.stderr))
        return done.stdout


def read_uris(printed: str, archives: Path) -> list[Package]:
    """Read `apt-get --print-uris`: 'URI' file size SHA256:digest."""
    rows = [line.split() for line in printed.splitlines() if line.startswith("'")]
    return [Package(archives / row[1], int(row[2]), row[3].removeprefix("SHA256:")) for row in rows]


def _still_running(process: "subprocess.Popen[str]") -> bool:
    try:
        process.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        return True
    return False


def _last_words(said: str) -> Message:
    errors = " ".join(line for line in said.splitlines() if line.startswith("E:"))
    return Message.verbatim(errors or said.strip())


def _bytes_in(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*.deb"):
        with contextlib.suppress(FileNotFoundError):  # it moves from partial/ while we look
            total += file.stat().st_size
    return total
