"""RTCP packets (RFC 3550 §6): sender reports of the fan-out, and the report blocks that speakers send back."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from broadcast_bridge.fan_out.rtp import CLOCK_RATE

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION, GOODBYE = 200, 201, 202, 203
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""
_SENDER = struct.Struct("!BBHIIIIII")
_DESCRIPTION = struct.Struct("!BBHIBB")
_BLOCK = struct.Struct("!IIIIII")
_CNAME = 1
_NEGATIVE = 1 << 23


@dataclass(frozen=True)
class Block:
    """What a receiver reports of one stream: packets lost since its beginning, and jitter in milliseconds."""

    ssrc: int
    lost: int
    jitter_ms: float


def sender_report(ssrc: int, wall: float, timestamp: int, packets: int, octets: int, name: bytes) -> bytes:
    """Return a compound packet of a sender report and a CNAME (§6.1, §6.4.1, §6.5.1).

    `timestamp` is the RTP time at `wall`, the wall clock in seconds since 1970.
    """
    seconds = int(wall)
    fraction = int((wall - seconds) * (1 << 32)) & 0xFFFFFFFF
    report = _SENDER.pack(
        0x80, SENDER_REPORT, 6, ssrc, (seconds + NTP_EPOCH) & 0xFFFFFFFF, fraction, timestamp & 0xFFFFFFFF,
        packets & 0xFFFFFFFF, octets & 0xFFFFFFFF,
    )  # fmt: skip
    item = bytes((_CNAME, len(name))) + name
    padding = 4 - len(item) % 4  # at least one zero ends the list of items
    chunk = struct.pack("!I", ssrc) + item + bytes(padding)
    return report + struct.pack("!BBH", 0x81, DESCRIPTION, len(chunk) // 4) + chunk


def goodbye(ssrc: int) -> bytes:
    """Return a compound packet that ends a stream (§6.6): an empty receiver report and BYE."""
    return struct.pack("!BBHI", 0x80, RECEIVER_REPORT, 1, ssrc) + struct.pack("!BBHI", 0x81, GOODBYE, 1, ssrc)


def blocks(data: bytes) -> Iterator[Block]:
    """Yield the report blocks of a compound packet, up to the first part that is malformed."""
    at = 0
    while at + 4 <= len(data) and data[at] >> 6 == 2:
        kind, end = data[at + 1], at + 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
        if end > len(data):
            return
        begin = at + (28 if kind == SENDER_REPORT else 8)
        if kind in (SENDER_REPORT, RECEIVER_REPORT):
            for number in range(data[at] & 0x1F):
                place = begin + number * _BLOCK.size
                if place + _BLOCK.size > end:
                    return
                ssrc, loss, _, jitter, _, _ = _BLOCK.unpack_from(data, place)
                lost = loss & 0xFFFFFF  # with a sign: duplicates make it negative
                yield Block(ssrc, lost if lost < _NEGATIVE else 0, round(jitter * 1000 / CLOCK_RATE, 3))
        at = end


def is_rtcp(data: bytes) -> bool:
    """Return whether a datagram begins as RTCP does."""
    return len(data) >= 8 and data[0] >> 6 == 2 and SENDER_REPORT <= data[1] <= 207
