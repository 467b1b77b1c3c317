"""Which Debian mirrors this machine uses, asked of its own apt; no host is named in this project.

apt itself reads its configuration (both formats of source lists, variables, proxies) and prints what an update
would fetch; nothing is fetched, and nothing needs to have been fetched before.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}
"""apt's own words are read: they have to be English."""

_RELEASE = re.compile(r"'(?P<mirror>[^']+?)/?/dists/(?P<suite>[^'/-]+)/InRelease' ")
"""A suite with a hyphen or a slash is no whole archive: bookworm-updates, bullseye/updates."""


def debian_mirrors() -> list[str]:
    """Return what may be mirrors of Debian's main archive, the likeliest first; empty when there are none."""
    with tempfile.TemporaryDirectory(prefix="haichieu-apt-") as folder:
        (Path(folder) / "lists/partial").mkdir(parents=True)
        # A state of our own: the machine's is locked to ordinary users.
        listed = subprocess.run(
            ["apt-get", f"-oDir::State={folder}", f"-oDir::State::lists={folder}/lists", "update", "--print-uris"],
            capture_output=True, text=True, check=False, env=ENVIRONMENT,
        ).stdout  # fmt: skip
    return choose_mirrors(listed.splitlines())


def choose_mirrors(uris: Iterable[str]) -> list[str]:
    """Choose among the lines of `apt-get update --print-uris`.

    Foreign archives may use Debian's names of suites, so they stay, behind those whose path ends as Debian's
    does; whose signature counts is seen when they are used.
    """
    mirrors = dict.fromkeys(match["mirror"] for line in uris if (match := _RELEASE.match(line)))
    return sorted(mirrors, key=lambda mirror: not mirror.endswith("/debian"))
