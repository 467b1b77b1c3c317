"""Trace of what crosses the loopback interface: what anyone on the network of a station could record."""

import socket
from collections.abc import Container

import numpy as np

from haichieu.audio.sound import Sound
from tests.packet_receiver import PacketReceiver

_IPV4 = 0x0800
_OUTGOING = 4
"""Packets of loopback pass twice: sent and received."""
_TCP, _UDP = 6, 17
_RTP_HEADER = 12
_RTP_VERSION = 0x80


class LoopbackTrace(PacketReceiver):
    """Records TCP and UDP payloads to and from some ports, by (protocol, source port, destination port).

    Raises PermissionError where this process may not record packets.
    """

    def __init__(self, ports: range | tuple[int, ...]) -> None:
        self._ports = ports
        recording = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_IPV4))
        recording.bind(("lo", _IPV4))
        recording.settimeout(0.2)
        super().__init__(recording)
        self.payloads: dict[tuple[int, int, int], list[bytes]] = {}

    def text(self, ports: Container[int]) -> bytes:
        """Everything to and from these ports, one payload after the other."""
        return b"".join(
            payload
            for (_, source, target), payloads in self.payloads.items()
            if source in ports or target in ports
            for payload in payloads
        )

    def voices(self) -> list[Sound]:
        """Every RTP stream of more than a second, decoded as A-law, as a listener would do."""
        found = []
        for (protocol, _, _), payloads in self.payloads.items():
            rtp = [one[_RTP_HEADER:] for one in payloads if len(one) > _RTP_HEADER and one[0] & 0xC0 == _RTP_VERSION]
            if protocol == _UDP and len(rtp) > 50:
                found.append(Sound(_from_a_law(b"".join(one[:160] for one in rtp)), 8000))
        return found

    def _receive(self, receiving: socket.socket) -> None:
        packet, address = receiving.recvfrom(65535)
        if address[2] != _OUTGOING:
            self._take(packet)

    def _take(self, packet: bytes) -> None:
        protocol, begin = packet[9], 4 * (packet[0] & 15)
        if protocol not in (_TCP, _UDP):
            return
        source, target = (int.from_bytes(packet[at : at + 2], "big") for at in (begin, begin + 2))
        if source in self._ports or target in self._ports:
            header = 8 if protocol == _UDP else 4 * (packet[begin + 12] >> 4)
            self.payloads.setdefault((protocol, source, target), []).append(packet[begin + header :])


def _from_a_law(payload: bytes) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """ITU-T G.711 A-law to samples between -1 and 1."""
    code = np.frombuffer(payload, np.uint8) ^ 0x55
    exponent, mantissa = ((code >> 4) & 7).astype(np.int32), (code & 15).astype(np.int32)
    magnitude = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return (np.where(code & 0x80, magnitude, -magnitude) / 32768).astype(np.float32)
