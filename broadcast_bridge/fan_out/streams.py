"""Streams: the sound of one source in one codec, sent to all of its listeners from one thread.

A packet of the source goes out to all listeners as soon as it arrives, so the clock is that of the source, and nothing
is added to the delay. Each listener has an SSRC, sequence numbers and timestamps of its own (RFC 3550 §5.1).
"""

import contextlib
import secrets
import socket
import time
from dataclasses import dataclass, field

from broadcast_bridge.fan_out.rtcp import Block, sender_report
from broadcast_bridge.fan_out.rtp import CLOCK_RATE, HEADER, MARKER, PAYLOAD_TYPES, VERSION, Timeline, parse
from broadcast_bridge.fan_out.session_description import Address

LOOPBACK = "127.0.0.1"
BUFFER_BYTES = 1 << 20
SENDING_BUFFER_BYTES = 8 << 20
NAME = b"haichieu"


@dataclass(eq=False)
class Listener:
    """One listener of a stream: where its sound goes, and its figures.

    `sent` and `octets` count what went directly to the speaker, `relayed` what Asterisk passed on; `lost` and
    `jitter_ms` are the speaker's own reports of the former.
    """

    key: str
    codec: str
    ssrc: int = field(default_factory=lambda: secrets.randbits(32))
    sequence: int = field(default_factory=lambda: secrets.randbits(16))
    """Of the last packet that went directly to the speaker."""
    offset: int = field(default_factory=lambda: secrets.randbits(16))
    """Of the sequence numbers of what goes through Asterisk, which has numbers of its own for the speaker."""
    timestamp: int = field(default_factory=lambda: secrets.randbits(32))
    destination: Address | None = None
    """Where the next packet goes; None while it gets none."""
    direct: bool = False
    """Its sound goes to the speaker, not to Asterisk."""
    begins: bool = True
    settled: bool = False
    """It has agreed to direct sound or not; what Asterisk gets from then on it does not pass on: the speaker holds."""
    sent: int = 0
    relayed: int = 0
    octets: int = 0
    signs: int = 0
    """Packets that came from the speaker."""
    lost: int | None = None
    jitter_ms: float | None = None

    def aim(self, destination: Address | None, *, direct: bool) -> None:
        """Send to another address from the next packet on: to a speaker, what it did not get directly is no loss."""
        self.begins = self.begins or self.destination is None or direct is not self.direct
        self.destination, self.direct = destination, direct

    def take(self, block: Block) -> None:
        """Take what the speaker reports."""
        self.lost, self.jitter_ms = block.lost, block.jitter_ms


class Stream:
    """The sound of one source, received on a port of loopback, and its listeners."""

    def __init__(self, codec: str, sender: socket.socket) -> None:
        self.codec = codec
        self.listeners: list[Listener] = []
        self.packets = 0
        self.unsent = 0
        """Packets that the system did not take."""
        self.source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self.source.bind((LOOPBACK, 0))
        self.source.setblocking(False)
        self._sender = sender
        self._timeline = Timeline()
        self._kind = PAYLOAD_TYPES[codec]
        self._last_at = 0.0

    @property
    def port(self) -> int:
        """The port on which the sound of the source is expected."""
        port: int = self.source.getsockname()[1]
        return port

    def close(self) -> None:
        """Release the port."""
        self.source.close()

    def discard(self) -> None:
        """Drop what has arrived and was not sent yet."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.source.recv(2048)

    def receive(self, most: int = 50) -> None:
        """Send on the packets of the source that have arrived."""
        for _ in range(most):
            try:
                data, (host, _) = self.source.recvfrom(2048)
            except BlockingIOError:
                return
            packet = parse(data)
            if host != LOOPBACK or packet is None or packet.payload_type != self._kind:
                continue
            at = time.monotonic()
            begins = self._timeline.follow(packet, at)
            if begins is not None:
                self._last_at = at
                self._send(packet.payload, begins=begins)

    def _send(self, payload: bytes, *, begins: bool) -> None:
        pack, send, kind = HEADER.pack, self._sender.sendto, self._kind
        sequence, step, timestamp, size = (
            self._timeline.sequence,
            self._timeline.step,
            self._timeline.timestamp,
            len(payload),
        )
        for one in self.listeners:
            if one.destination is None:
                continue
            second, ahead = kind, step
            if begins or one.begins:
                second, ahead, one.begins = kind | MARKER, 1 if one.begins else step, False
            number = (sequence + one.offset) & 0xFFFF
            if one.direct:
                number = one.sequence = (one.sequence + ahead) & 0xFFFF
            header = pack(VERSION, second, number, (timestamp + one.timestamp) & 0xFFFFFFFF, one.ssrc)
            try:
                send(header + payload, one.destination)
            except OSError:  # the buffer of the system is full, or there is no route: this packet is lost
                self.unsent += 1
                continue
            if one.direct:
                one.sent += 1
                one.octets += size
            elif not one.settled:
                one.relayed += 1
        self.packets += 1

    def report(self, listener: Listener) -> bytes:
        """Return the sender report to a listener."""
        since = time.monotonic() - self._last_at
        timestamp = self._timeline.timestamp + listener.timestamp + round(since * CLOCK_RATE)
        return sender_report(listener.ssrc, time.time(), timestamp, listener.sent, listener.octets, NAME)


def sending_sockets(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Return the sockets for RTP and, on the next port, for RTCP (RFC 3550 §11). Raises OSError."""
    pair = []
    for number in (port, port + 1):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        pair.append(one)
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENDING_BUFFER_BYTES)
            one.bind((host, number))
        except OSError:
            for each in pair:
                each.close()
            raise
        one.setblocking(False)
    return pair[0], pair[1]
