"""Process control: signals tied to the parent process, scheduling priority, and the limit of open files."""

import contextlib
import ctypes
import os
import resource
import signal

READY = "ready"
"""The line that tells the supervisor that a process is ready."""
MEDIA_NICENESS = -10
REAL_TIME_PRIORITY = 10
MOST_OPEN_FILES = 65_536
"""More than any station needs: 5,000 calls have 40,000."""
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

    Leaves the policy of background work (SCHED_IDLE, SCHED_BATCH), as Asterisk does by itself. Does nothing without
    root or CAP_SYS_NICE. Call it before threads are started.
    """
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, MEDIA_NICENESS)


def run_in_real_time() -> None:
    """Let this process run before every other (SCHED_RR), as far as the system allows it.

    For one device with one call, whose packets are due every 20 ms. The server does not use it: a flood of requests
    must not keep its other processes from the processor. Call it before threads are started; called in a thread, it is
    about that thread alone.
    """
    run_ahead_of_other_work()
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REAL_TIME_PRIORITY))


def open_many_files() -> int:
    """Raise this process's limit of open files as far as it may, and return it.

    Most systems begin with 1,024, which are those of some 200 calls.
    """
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if most == resource.RLIM_INFINITY else min(most, MOST_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return max(wanted, soft)
