"""Sockets of this process that a C library opened: kernel filters, and the end of a connection.

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
    with _our_socket(socket.SOCK_DGRAM, local) as found:
        found.connect((peer.ip, peer.port))


def accept_no_connections(local: SocketAddress) -> None:
    """Let nobody connect to our TCP socket that listens at `local`. Raises NoSuchSocket."""
    program = ctypes.create_string_buffer(_DROP)
    with _our_socket(socket.SOCK_STREAM, local) as found:
        found.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))


def end_connection(peer: SocketAddress) -> None:
    """End our TCP connection to `peer`, as the peer itself could. Raises NoSuchSocket."""
    with _our_socket(socket.SOCK_STREAM, peer, of_peer=True) as found:
        found.shutdown(socket.SHUT_RDWR)


@contextmanager
def _our_socket(kind: socket.SocketKind, address: SocketAddress, *, of_peer: bool = False) -> Iterator[socket.socket]:
    for number in os.listdir("/proc/self/fd"):
        if _is_socket(number):
            with socket.socket(fileno=os.dup(int(number))) as candidate:
                has_kind = candidate.type == kind and candidate.family == socket.AF_INET
                if has_kind and _address_of(candidate, of_peer=of_peer) == (address.ip, address.port):
                    yield candidate
                    return
    raise NoSuchSocket("sip.no_socket", address=str(address))


def _address_of(found: socket.socket, *, of_peer: bool) -> tuple[str, int] | None:
    try:
        ip, port = found.getpeername() if of_peer else found.getsockname()
    except OSError:  # it is not connected
        return None
    return ip, port


def _is_socket(number: str) -> bool:
    try:
        return str((Path("/proc/self/fd") / number).readlink()).startswith("socket:")
    except OSError:
        return False
