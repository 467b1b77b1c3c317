"""A voice that speaks fast: a caller needs 150 words a minute, and a test waits for every sentence to end."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WORDS_PER_MINUTE = 400
HOLD = "bin/hold"
"""While this file is in the folder, no text is spoken: the engine waits."""


@contextmanager
def speaking_quickly(folder: Path) -> Iterator[None]:
    """Put an espeak-ng that speaks fast before the real one, for the block and the stations that it starts.

    Its version differs from the real one's, so that no cached sentence is taken for one of the other speed.
    """
    quick = folder / "bin" / "espeak-ng"
    if not quick.exists():
        quick.parent.mkdir()
        real = shutil.which("espeak-ng")
        quick.write_text(
            f'#!/bin/sh\n[ "$1" != --version ] || {{ echo quick; exec {real} "$@"; }}\n'
            f'while [ -e "{folder / HOLD}" ]; do sleep 0.1; done\nexec {real} "$@" -s {WORDS_PER_MINUTE}\n'
        )
        quick.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{quick.parent}{os.pathsep}{os.environ['PATH']}")
        yield
