"""A thread that takes packets while a block runs: the base of the receivers of the tests."""

import socket
import threading
from types import TracebackType
from typing import Self


class PacketReceiver:
    """A context manager: in its block, a thread gives each packet to `_take`; then the sockets are closed.

    Packets come to the first socket, which has a time-out; the thread ends after it at the latest.
    """

    def __init__(self, *sockets: socket.socket) -> None:
        self._sockets = sockets
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        for one in self._sockets:
            one.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._receive(self._sockets[0])
            except TimeoutError:
                continue

    def _receive(self, receiving: socket.socket) -> None:
        """Take one packet from a socket. Raises TimeoutError when there is none."""
        self._take(receiving.recv(2048))

    def _take(self, packet: bytes) -> None:
        """Note a packet."""
