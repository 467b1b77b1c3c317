"""A worker without a station around it, to be killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def worker(home: Path, *, path: str = "", **settings: object) -> Iterator[subprocess.Popen[bytes]]:
    """`haichieu worker` of the station in `home`; programs are looked for in the folder `path` first."""
    environment = os.environ | {f"HAICHIEU_{name.upper()}": str(value) for name, value in settings.items()}
    environment |= {"HAICHIEU_HOME": str(home), "PATH": f"{path}:{os.environ['PATH']}".lstrip(":")}
    process = subprocess.Popen([sys.executable, "-m", "haichieu", "worker"], env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
