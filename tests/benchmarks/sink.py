"""Receiver of the speakers' RTP: one socket for all of them; each stream has its SSRC."""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.packet_receiver import PacketReceiver

RTP_HEADER = 12
SEQUENCE, SSRC = slice(2, 4), slice(8, 12)
NONE = 0, b""
VOICED_VALUES = 4
"""G.711 silence has one or two values; a packet with more than this many carries sound."""


Count = tuple[int, bytes]
"""The packets of one stream so far, and the sequence number of the last."""
EDGE_PACKETS = 2
"""A count begins and ends in the middle of the packets of one moment."""


def share_lost(before: Mapping[bytes, Count], after: Mapping[bytes, Count], streams: int) -> float:
    """Return the share of packets that did not arrive between two counts, of so many streams of one source.

    A packet is lost if its number is missing, or if the stream that has moved on furthest has more. A stream without
    any is over: the speaker has another one since, directly from the fan-out, or none, which is counted as lost.
    """
    counted = {stream: _moved(before.get(stream), count) for stream, count in after.items()}
    moved = {stream: count for stream, count in counted.items() if count[0]}
    sent = max((numbers for _, numbers in moved.values()), default=0)
    lost = sum(max(numbers - packets, sent - EDGE_PACKETS - packets, 0) for packets, numbers in moved.values())
    lost += max(streams - len(moved), 0) * sent
    return lost / (sent * streams) if sent else 1.0


def _moved(before: Count | None, after: Count) -> tuple[int, int]:
    """Return by how many packets and by how many sequence numbers a stream has moved on."""
    if before is None:
        return after[0], after[0]
    numbers = int.from_bytes(after[1], "big") - int.from_bytes(before[1], "big")
    return after[0] - before[0], numbers % 0x10000


@dataclass
class RtpSink(PacketReceiver):
    """Notes when the first sound of each stream arrived, and of every stream when silence turns into sound."""

    first_sound: dict[bytes, float] = field(default_factory=dict)
    onsets: list[float] = field(default_factory=list)
    streams: set[bytes] = field(default_factory=set)
    """Those that have sent anything, silence as well."""
    packets: int = 0
    counts: dict[bytes, Count] = field(default_factory=dict)
    _last_voiced: float = 0.0

    def __post_init__(self) -> None:
        receiving = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64_000_000)
        receiving.bind(("127.0.0.1", 0))
        receiving.settimeout(0.2)
        super().__init__(receiving)
        self.port: int = receiving.getsockname()[1]

    def clear(self) -> None:
        """Forget what was heard."""
        self.first_sound.clear()
        self.onsets.clear()
        self.streams.clear()
        self.packets = 0
        self.counts.clear()

    def _take(self, packet: bytes) -> None:
        at = time.time()
        self.packets += 1
        stream = packet[SSRC]
        self.streams.add(stream)
        self.counts[stream] = self.counts.get(stream, NONE)[0] + 1, packet[SEQUENCE]
        if stream in self.first_sound and at - self._last_voiced < 0.015 and len(self.first_sound) > 1:
            return  # many streams: only the first sound of each is of interest
        if len(set(packet[RTP_HEADER:])) <= VOICED_VALUES:
            return
        self.first_sound.setdefault(stream, at)
        if at - self._last_voiced > 0.1:
            self.onsets.append(at)
        self._last_voiced = at
