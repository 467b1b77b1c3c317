"""Sockets of a child process, bound to the loopback device after the child has opened them.

For programs that open sockets on all interfaces and have no setting against it.
"""

import contextlib
import ctypes
import os
import socket
from collections.abc import Iterator
from pathlib import Path

_SYS_PIDFD_GETFD = 438
"""The same number on all architectures; Python has no function for it."""
_libc = ctypes.CDLL(None, use_errno=True)


def keep_to_loopback(pid: int) -> None:
    """Let the open Internet sockets of a process send and receive on the loopback device only.

    Does nothing where the kernel (Linux before 5.7) or a container's rules forbid it, or when the process is gone.
    """
    with contextlib.suppress(OSError):
        for opened in internet_sockets(pid):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")


def internet_sockets(pid: int) -> Iterator[socket.socket]:
    """Yield the Internet sockets that a process has open, shared with it until the next one. Raises OSError."""
    process = os.pidfd_open(pid)
    try:
        for opened in Path(f"/proc/{pid}/fd").iterdir():
            if _is_socket(opened):
                with _shared(process, int(opened.name)) as found:
                    if found.family in (socket.AF_INET, socket.AF_INET6):
                        yield found
    finally:
        os.close(process)


def _is_socket(opened: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):  # closed in the meantime
        return os.readlink(opened).startswith("socket:")
    return False


def _shared(process: int, number: int) -> socket.socket:
    descriptor = _libc.syscall(_SYS_PIDFD_GETFD, process, number, 0)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return socket.socket(fileno=descriptor)
