"""Receiver of the speakers' RTP: one socket for all of them; each stream has its SSRC."""

import socket
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

RTP_HEADER = 12
SSRC = slice(8, 12)
VOICED_VALUES = 4
"""G.711 silence has one or two values; a packet with more than this many carries sound."""


@dataclass
class RtpSink:
    """Notes when the first sound of each stream arrived, and of every stream when silence turns into sound."""

    first_sound: dict[bytes, float] = field(default_factory=dict)
    onsets: list[float] = field(default_factory=list)
    streams: set[bytes] = field(default_factory=set)
    """Those that have sent anything, silence as well."""
    packets: int = 0
    counts: dict[bytes, int] = field(default_factory=dict)
    """Packets of each stream."""
    _last_voiced: float = 0.0

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64_000_000)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self.port: int = self._socket.getsockname()[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._receive, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def clear(self) -> None:
        """Forget what was heard."""
        self.first_sound.clear()
        self.onsets.clear()
        self.streams.clear()
        self.packets = 0
        self.counts.clear()

    def _receive(self) -> None:
        while not self._stop.is_set():
            try:
                packet = self._socket.recv(2048)
            except TimeoutError:
                continue
            at = time.time()
            self.packets += 1
            stream = packet[SSRC]
            self.streams.add(stream)
            self.counts[stream] = self.counts.get(stream, 0) + 1
            if stream in self.first_sound and at - self._last_voiced < 0.015 and len(self.first_sound) > 1:
                continue  # many streams: only the first sound of each is of interest
            if len(set(packet[RTP_HEADER:])) <= VOICED_VALUES:
                continue
            self.first_sound.setdefault(stream, at)
            if at - self._last_voiced > 0.1:
                self.onsets.append(at)
            self._last_voiced = at
