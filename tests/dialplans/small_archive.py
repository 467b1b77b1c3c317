"""A Debian archive of two packages on loopback, signed with a key of its own: a real apt fetches from it.

The packages hold the binary and the libraries of an Asterisk that was fetched before, so what comes out runs.
"""

import hashlib
import http.server
import os
import shutil
import subprocess
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from dialplans.installation import ARCHITECTURES, Installation

PADDING = 3_000_000
"""Bytes of the second package, so that there is time to interrupt its download."""


class Key:
    """An OpenPGP key pair in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self._gpg = ["gpg", "--homedir", str(folder), "--batch", "--quiet", "--passphrase", "", "--pinentry-mode",
                     "loopback"]  # fmt: skip
        self._folder = folder
        self.public = folder / "public.gpg"
        subprocess.run([*self._gpg, "--quick-gen-key", "archive@example.org", "ed25519", "sign", "never"], check=True)
        subprocess.run([*self._gpg, "--output", self.public, "--export"], check=True)

    def sign(self, text: str, signed: Path) -> None:
        """Write the text with its signature."""
        subprocess.run([*self._gpg, "--yes", "--output", signed, "--clearsign"], input=text.encode(), check=True)

    def close(self) -> None:
        """End the agent that gpg started."""
        subprocess.run(["gpgconf", "--homedir", self._folder, "--kill", "all"], check=False)


def build_packages(folder: Path, machine: str, installation: Installation) -> None:
    """Build `asterisk` and the padded `asterisk-modules`, of version 22.0.0-1."""
    architecture = ARCHITECTURES[machine]
    libraries = Path("usr/lib") / architecture.triplet
    root = folder / "root"
    for part in (libraries / "asterisk/modules", "usr/sbin", "usr/share/asterisk/sounds/en_US_f_Allison"):
        (root / part).mkdir(parents=True)
    loader, _, path, *_ = installation.argv
    listed = subprocess.run(
        [loader, "--library-path", path, "--list", installation.argv[-1]], check=True, capture_output=True, text=True
    ).stdout
    for line in listed.splitlines():
        if "/" in line:
            source = Path(line.split("(")[0].split("=>")[-1].strip())
            shutil.copy(source, root / libraries / source.name)
    shutil.copy(loader, root / libraries / architecture.loader)
    shutil.copy(installation.argv[-1], root / "usr/sbin/asterisk")
    _build(folder, "asterisk", architecture.debian, "Depends: asterisk-modules\n", root)
    padded = folder / "padded"
    (padded / "usr/share/doc").mkdir(parents=True)
    (padded / "usr/share/doc/left-out").write_bytes(os.urandom(PADDING))
    _build(folder, "asterisk-modules", architecture.debian, "", padded)


def _build(folder: Path, name: str, architecture: str, depends: str, root: Path) -> None:
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN").chmod(0o755)  # whatever the umask: dpkg-deb refuses others
    (root / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: 22.0.0-1\nArchitecture: {architecture}\n{depends}"
        "Maintainer: Nobody <nobody@example.org>\nDescription: part of a small archive\n"
    )
    package = folder / "archive/pool" / f"{name}_22.0.0-1_{architecture}.deb"
    package.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "-b", root, package],
                   check=True, capture_output=True)  # fmt: skip


def write_index(archive: Path, machine: str, key: Key, valid_for: timedelta) -> None:
    """Describe and sign the packages."""
    folder = f"main/binary-{ARCHITECTURES[machine].debian}"
    index = b""
    for package in sorted((archive / "pool").glob("*.deb")):
        content = package.read_bytes()
        index += subprocess.run(["dpkg-deb", "-f", package], check=True, capture_output=True).stdout
        index += (
            f"Filename: pool/{package.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n\n"
        ).encode()
    suite = archive / "dists/unstable"
    (suite / folder).mkdir(parents=True, exist_ok=True)
    (suite / folder / "Packages").write_bytes(index)
    now = datetime.now(UTC)
    stamp = "%a, %d %b %Y %H:%M:%S UTC"
    release = (
        f"Origin: Small\nSuite: unstable\nCodename: sid\nArchitectures: {ARCHITECTURES[machine].debian}\n"
        f"Components: main\nDate: {now - timedelta(days=2):{stamp}}\nValid-Until: {now + valid_for:{stamp}}\n"
        f"SHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} {folder}/Packages\n"
    )
    key.sign(release, suite / "InRelease")


class ArchiveServer:
    """Serves an archive over HTTP on loopback, slowly when `bytes_a_second` is set, and counts what is asked for."""

    def __init__(self, archive: Path) -> None:
        self.bytes_a_second = 0
        self.asked: Counter[str] = Counter()
        outer = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments, directory=str(archive))  # type: ignore[arg-type]

            def do_GET(self) -> None:
                outer.asked[Path(self.path).name] += 1
                super().do_GET()

            def copyfile(self, source: object, outputfile: object) -> None:
                while chunk := source.read(32768):  # type: ignore[attr-defined]
                    outputfile.write(chunk)  # type: ignore[attr-defined]
                    if outer.bytes_a_second:
                        outer._pause.wait(len(chunk) / outer.bytes_a_second)

            def log_message(self, *_: object) -> None:
                pass

        self._pause = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Where the archive is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def packages_asked(self) -> dict[str, int]:
        """How often each package was asked for."""
        return {name.split("_")[0]: count for name, count in self.asked.items() if name.endswith(".deb")}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
