"""RTP packets of G.711 and G.722 (RFC 3550 §5.1, RFC 3551 §4.5): those of a source, and the timeline of a stream."""

import struct
from dataclasses import dataclass

PAYLOAD_TYPES = {"ulaw": 0, "alaw": 8, "g722": 9}
"""Static payload types (RFC 3551 §6) by the names that Asterisk gives to codecs."""
NAMES = {"ulaw": "PCMU", "alaw": "PCMA", "g722": "G722"}
CLOCK_RATE = 8000
"""Of all three; G.722 counts as 8 kHz for historical reasons (RFC 3551 §4.5.2)."""
MARKER = 0x80
HEADER = struct.Struct("!BBHII")
VERSION = 0x80
LONGEST_JUMP_SECONDS = 5.0
"""A timestamp that jumps farther belongs to a new stream that only has the same SSRC."""
MOST_MISSING = 50
"""Sequence numbers that may be missing between two packets of one stream."""


@dataclass(frozen=True)
class Packet:
    """A received packet."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse(data: bytes) -> Packet | None:
    """Return the packet, or None if the datagram is no RTP packet or contains no sound."""
    if len(data) < HEADER.size or data[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    begin = HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < begin + 4:
            return None
        begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4], "big")
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if end <= begin:
        return None
    return Packet(bool(second & MARKER), second & 0x7F, sequence, timestamp, ssrc, data[begin:end])


class Timeline:
    """Sequence number and timestamp of one outgoing stream, whatever the SSRC, jumps and pauses of its source.

    Losses and pauses of the source remain losses and pauses: a receiver conceals them as it would those of the source.
    """

    def __init__(self) -> None:
        self.sequence = 0
        self.step = 1
        """By how much the last packet has moved the sequence number."""
        self.timestamp = 0
        self._last: Packet | None = None
        self._last_at = 0.0

    def follow(self, packet: Packet, at: float) -> bool | None:
        """Move on to a packet that came at `at` (seconds); return whether a talk spurt begins with it.

        Returns None for a packet that is late or doubled: a stream does not go back.
        """
        last, elapsed = self._last, at - self._last_at
        begins = packet.marker or last is None
        missing, samples = 1, max(round(elapsed * CLOCK_RATE), len(packet.payload))
        if last is None:
            samples = 0
        elif last.ssrc == packet.ssrc:
            missing = (packet.sequence - last.sequence) & 0xFFFF
            if missing == 0 or missing > 0xFFFF - MOST_MISSING:
                return None
            ahead = (packet.timestamp - last.timestamp) & 0xFFFFFFFF
            if ahead <= LONGEST_JUMP_SECONDS * CLOCK_RATE:
                samples = ahead
            else:
                begins = True
            missing = missing if missing <= MOST_MISSING else 1
        else:
            begins = True
        self.step = missing
        self.sequence = (self.sequence + missing) & 0xFFFF
        self.timestamp = (self.timestamp + samples) & 0xFFFFFFFF
        self._last, self._last_at = packet, at
        return begins
