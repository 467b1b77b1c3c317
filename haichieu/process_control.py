"""Process control: signals tied to the parent process, and scheduling priority."""

import contextlib
import ctypes
import os
import signal

READY = "ready"
"""The line that tells the supervisor that a process is ready."""
MEDIA_NICENESS = -10
REAL_TIME_PRIORITY = 10
_PR_SET_PDEATHSIG = 1
_PR_GET_PDEATHSIG = 2
_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent() -> None:
    """In the child, before exec: receive SIGTERM when the supervisor dies, and leave Ctrl-C to the supervisor."""
    os.setpgid(0, 0)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def be_killed_with_parent() -> None:
    """Receive SIGKILL instead of SIGTERM when the supervisor dies, for a program that may ignore SIGTERM."""
    asked = ctypes.c_int(0)
    _libc.prctl(_PR_GET_PDEATHSIG, ctypes.byref(asked))
    if asked.value:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def run_ahead_of_other_work() -> None:
    """Raise this process's scheduling priority: late sound is lost, a late page is only late.

    Does nothing without root or CAP_SYS_NICE. Call it before threads are started.
    """
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, MEDIA_NICENESS)


def run_in_real_time() -> None:
    """Let this process run before every other (SCHED_RR), as far as the system allows it.

    For one device with one call, whose packets are due every 20 ms. The server does not use it: a flood of requests
    must not keep its other processes from the processor. Call it before threads are started.
    """
    run_ahead_of_other_work()
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REAL_TIME_PRIORITY))
