"""Kernel filter for one of this process's UDP sockets: datagrams from other addresses are dropped.

For sockets that a C library opened: a connected UDP socket (connect(2)) receives only from its peer, but can still send
anywhere. A flood of packets from other addresses costs the library nothing and cannot crash it.
"""

import os
import socket
from pathlib import Path

from haichieu.errors import EnvironmentProblem
from haichieu.sip.address import SocketAddress


class NoSuchSocket(EnvironmentProblem):
    """This process has no UDP socket at the address."""


def accept_only_from(peer: SocketAddress, local: SocketAddress) -> None:
    """Narrow our UDP socket bound to `local` to datagrams from `peer`. Raises NoSuchSocket."""
    for number in os.listdir("/proc/self/fd"):
        if _is_socket(number):
            with socket.socket(fileno=os.dup(int(number))) as candidate:
                if candidate.type == socket.SOCK_DGRAM and candidate.family == socket.AF_INET:
                    ip, port = candidate.getsockname()
                    if (ip, port) == (local.ip, local.port):
                        candidate.connect((peer.ip, peer.port))
                        return
    raise NoSuchSocket("sip.no_socket", address=str(local))


def _is_socket(number: str) -> bool:
    try:
        return str((Path("/proc/self/fd") / number).readlink()).startswith("socket:")
    except OSError:
        return False
