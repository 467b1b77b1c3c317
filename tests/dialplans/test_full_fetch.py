"""Fetch of a whole Asterisk from the machine's own mirror; details are tested on a small archive."""

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from dialplans.installation import fetched_installation
from haichieu.demo.trial_station import until
from haichieu.process_control import end_with_parent

FETCH = "import sys, pathlib; from dialplans.fetch import fetch_asterisk as f; f(pathlib.Path(sys.argv[1]), print)"


async def fetching(cache: Path) -> asyncio.subprocess.Process:
    """Begin a fetch in a process of its own."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", FETCH, str(cache)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=end_with_parent,
    )


def _exists(folder: Path, pattern: str) -> bool:
    return any(folder.glob(pattern))


@pytest.mark.proof
@pytest.mark.timeout(420)  # three whole fetches; each step has its own limit
async def test_fetch_that_was_killed_twice_is_completed(tmp_path: Path) -> None:
    for stage in ("download/archives/*.deb", "unpacking-*/usr"):
        process = await fetching(tmp_path)
        await until(partial(_exists, tmp_path, stage), stage, 90)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert fetched_installation(tmp_path) is None
    both = [await fetching(tmp_path), await fetching(tmp_path)]
    assert [await asyncio.wait_for(process.wait(), 120) for process in both] == [0, 0]
    found = fetched_installation(tmp_path)
    assert found is not None
    assert found.modules.is_dir()
    assert set(os.listdir(tmp_path)) == {"lock", "root"}
