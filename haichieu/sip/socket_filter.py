"""Kernel filters for sockets of this process that a C library opened.

A connected UDP socket (connect(2)) receives only from its peer, but can still send anywhere. A listening TCP socket
whose packet filter (socket(7), SO_ATTACH_FILTER) drops everything is closed to the network. A flood of packets from
other addresses costs the library nothing and cannot crash it.
"""

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from haichieu.errors import EnvironmentProblem
from haichieu.sip.address import SocketAddress

_SO_ATTACH_FILTER = 26
_DROP = struct.pack("HBBI", 0x06, 0, 0, 0)
"""BPF_RET | BPF_K with length 0, the only instruction."""


class NoSuchSocket(EnvironmentProblem):
    """This process has no such socket at the address."""


def accept_only_from(peer: SocketAddress, local: SocketAddress) -> None:
    """Narrow our UDP socket bound to `local` to datagrams from `peer`. Raises NoSuchSocket."""
    with _our_socket(local, socket.SOCK_DGRAM) as found:
        found.connect((peer.ip, peer.port))


def accept_no_connections(local: SocketAddress) -> None:
    """Let nobody connect to our TCP socket that listens at `local`. Raises NoSuchSocket."""
    program = ctypes.create_string_buffer(_DROP)
    with _our_socket(local, socket.SOCK_STREAM) as found:
        found.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))


@contextmanager
def _our_socket(local: SocketAddress, kind: socket.SocketKind) -> Iterator[socket.socket]:
    for number in os.listdir("/proc/self/fd"):
        if _is_socket(number):
            with socket.socket(fileno=os.dup(int(number))) as candidate:
                if candidate.type == kind and candidate.family == socket.AF_INET:
                    ip, port = candidate.getsockname()
                    if (ip, port) == (local.ip, local.port):
                        yield candidate
                        return
    raise NoSuchSocket("sip.no_socket", address=str(local))


def _is_socket(number: str) -> bool:
    try:
        return str((Path("/proc/self/fd") / number).readlink()).startswith("socket:")
    except OSError:
        return False
