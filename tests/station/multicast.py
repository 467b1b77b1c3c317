"""A listener of an RTP multicast group on loopback: what an IP loudspeaker without a SIP account is."""

import socket

import numpy as np

from haichieu.audio.sound import Sound
from tests.packet_receiver import PacketReceiver

HEADER = 12
LOOPBACK = "127.0.0.1"


class MulticastReceiver(PacketReceiver):
    """Joins a group and keeps the G.711 µ-law payload of what arrives, in order."""

    def __init__(self, group: str, port: int) -> None:
        joined = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        joined.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        joined.bind((group, port))
        membership = socket.inet_aton(group) + socket.inet_aton(LOOPBACK)
        joined.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        joined.settimeout(0.2)
        super().__init__(joined)
        self._packets: list[bytes] = []

    def sound(self) -> Sound:
        """Everything received so far."""
        return Sound(_from_mu_law(b"".join(packet[HEADER:] for packet in self._packets)), 8000)

    def _take(self, packet: bytes) -> None:
        self._packets.append(packet)


def _from_mu_law(payload: bytes) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """ITU-T G.711 µ-law to samples between -1 and 1."""
    code = ~np.frombuffer(payload, np.uint8)
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = (((mantissa.astype(np.int32) << 3) + 0x84) << exponent) - 0x84
    return (np.where(code & 0x80, -magnitude, magnitude) / 32768).astype(np.float32)
