"""A worker without a station around it, to be killed; and what a test waits for meanwhile."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
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


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
