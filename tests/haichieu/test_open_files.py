"""The limit of open files, which most systems set to those of two hundred calls."""

import subprocess
import sys

import pytest

SHOW = "import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
RAISE = "from haichieu.process_control import open_many_files; print(open_many_files(), end=' ');" + SHOW


@pytest.mark.parametrize(("limits", "after"), [("256:4096", "4096 4096 4096"), ("4096:4096", "4096 4096 4096")])
def test_open_files_are_raised_as_far_as_the_system_allows(limits: str, after: str) -> None:
    command = ["prlimit", f"--nofile={limits}", sys.executable, "-c", RAISE]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == after.split()
