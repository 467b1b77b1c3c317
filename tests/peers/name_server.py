"""A name server on loopback that knows a carrier by its SRV records only (RFC 3263)."""

import socket
import struct
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

A, SRV = 1, 33
_TTL = 60


class NameServer:
    """Answers questions for A and SRV records over UDP; names it does not know exist without records."""

    def __init__(self, addresses: Mapping[str, str], services: Mapping[str, tuple[str, int]]) -> None:
        self._addresses, self._services = addresses, services
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.asked: list[tuple[str, int]] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                question, sender = self._socket.recvfrom(512)
                self._socket.sendto(self._answer(question), sender)
            except OSError:
                return

    def _answer(self, question: bytes) -> bytes:
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        name, (kind,) = ".".join(labels).lower(), struct.unpack("!H", question[at + 1 : at + 3])
        self.asked.append((name, kind))
        record = b""
        if kind == A and name in self._addresses:
            record = socket.inet_aton(self._addresses[name])
        if kind == SRV and name in self._services:
            host, port = self._services[name]
            record = struct.pack("!HHH", 10, 10, port) + _encoded(host)
        answers = struct.pack("!HHHIH", 0xC00C, kind, 1, _TTL, len(record)) + record if record else b""
        head = question[:2] + struct.pack("!HHHHH", 0x8580, 1, bool(record), 0, 0)
        return head + question[12 : at + 5] + answers


def _encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
