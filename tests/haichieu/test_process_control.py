"""Scheduling of processes that send sound."""

import os
import subprocess
import sys

import pytest

STARTED_IN_BACKGROUND = """
import os
from haichieu.process_control import run_ahead_of_other_work
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
run_ahead_of_other_work()
print(os.sched_getscheduler(0) == os.SCHED_OTHER, os.getpriority(os.PRIO_PROCESS, 0) < 0)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user may not raise a priority")
def test_process_with_sound_leaves_the_background_work_that_started_it() -> None:
    shown = subprocess.run([sys.executable, "-c", STARTED_IN_BACKGROUND], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["True", "True"]
