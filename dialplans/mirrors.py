"""Debian mirrors of this machine, as configured in its apt; this project names no host.

apt reads its own configuration (both formats of source lists, variables, proxies) and prints what an update would
fetch. Nothing is fetched, and no earlier fetch is needed.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}
"""apt's output is parsed, so it must be English."""

_RELEASE = re.compile(r"'(?P<mirror>[^']+?)/?/dists/(?P<suite>[^'/-]+)/InRelease' ")
"""A suite with a hyphen or a slash is not a whole archive: bookworm-updates, bullseye/updates."""


def debian_mirrors() -> list[str]:
    """Return possible mirrors of Debian's main archive, the likeliest first; empty when there are none."""
    with tempfile.TemporaryDirectory(prefix="haichieu-apt-") as folder:
        (Path(folder) / "lists/partial").mkdir(parents=True)
        # A separate state folder: ordinary users may not lock the machine's.
        listed = subprocess.run(
            ["apt-get", f"-oDir::State={folder}", f"-oDir::State::lists={folder}/lists", "update", "--print-uris"],
            capture_output=True, text=True, check=False, env=ENVIRONMENT,
        ).stdout  # fmt: skip
    return choose_mirrors(listed.splitlines())


def choose_mirrors(uris: Iterable[str]) -> list[str]:
    """Choose among the lines of `apt-get update --print-uris`.

    Other archives may use Debian's suite names, so they are sorted after those whose path ends as Debian's does; the
    signature is checked when a mirror is used.
    """
    mirrors = dict.fromkeys(match["mirror"] for line in uris if (match := _RELEASE.match(line)))
    return sorted(mirrors, key=lambda mirror: not mirror.endswith("/debian"))
