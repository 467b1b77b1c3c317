"""A listener of an RTP multicast group on loopback: what an IP loudspeaker without a SIP account is."""

import socket
import threading
from types import TracebackType
from typing import Self

import numpy as np

from haichieu.audio.sound import Sound

HEADER = 12
LOOPBACK = "127.0.0.1"


class MulticastReceiver:
    """Joins a group and keeps the G.711 µ-law payload of what arrives, in order."""

    def __init__(self, group: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((group, port))
        membership = socket.inet_aton(group) + socket.inet_aton(LOOPBACK)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        self._socket.settimeout(0.2)
        self._packets: list[bytes] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._receive)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def sound(self) -> Sound:
        """Everything received so far."""
        return Sound(_from_mu_law(b"".join(packet[HEADER:] for packet in self._packets)), 8000)

    def _receive(self) -> None:
        while not self._stop.is_set():
            try:
                self._packets.append(self._socket.recv(2048))
            except TimeoutError:
                continue


def _from_mu_law(payload: bytes) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """ITU-T G.711 µ-law to samples between -1 and 1."""
    code = ~np.frombuffer(payload, np.uint8)
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = (((mantissa.astype(np.int32) << 3) + 0x84) << exponent) - 0x84
    return (np.where(code & 0x80, -magnitude, magnitude) / 32768).astype(np.float32)
