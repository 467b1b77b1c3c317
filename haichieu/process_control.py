"""Process control: signals tied to the parent process, and scheduling priority."""

import contextlib
import ctypes
import os
import signal

READY = "ready"
"""The line by which a process tells its supervisor that it is."""
MEDIA_NICENESS = -10
_PR_SET_PDEATHSIG = 1
_PR_GET_PDEATHSIG = 2
_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent() -> None:
    """In the child, before exec: be sent SIGTERM when the supervisor dies; leave Ctrl-C to the supervisor."""
    os.setpgid(0, 0)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def be_killed_with_parent() -> None:
    """Where the supervisor's death would bring SIGTERM, have SIGKILL instead: for a program that may not hear it."""
    asked = ctypes.c_int(0)
    _libc.prctl(_PR_GET_PDEATHSIG, ctypes.byref(asked))
    if asked.value:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def run_ahead_of_other_work() -> None:
    """Ask for the processor before programs that can wait: sound that comes late is lost, a page is only late.

    Does nothing for a user who may not ask (it takes root or CAP_SYS_NICE). Call it before threads are started.
    """
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, MEDIA_NICENESS)
