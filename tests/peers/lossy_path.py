"""A network between one device and the station that delays and loses packets; it needs no rights of the system.

The device registers at `server`; the station sees only this network. What goes to the device is delayed by up to
`jitter` seconds and lost with the probability `loss` (sound) or `sip_loss`; the same `seed` loses the same packets.
A re-INVITE takes `re_invite` seconds longer. Sound and reports of the device go their own way.
"""

import heapq
import itertools
import random
import re
import selectors
import socket
import time
from dataclasses import dataclass

from haichieu.process_control import run_in_real_time
from tests.packet_receiver import PacketReceiver
from tests.station.media_device import LOOPBACK, arrival, media_sockets

RTP_CLOCK = 8000
IDLE_SECONDS = 0.1
DISCARD_PORT = 9
"""In an answer to OPTIONS: there is no sound (RFC 863)."""
_MEDIA = re.compile(rb"^m=audio (\d+) ", re.MULTILINE)
_LENGTH = re.compile(rb"^(?:Content-Length|l)[ \t]*:[ \t]*\d+", re.MULTILINE | re.IGNORECASE)
_RE_INVITE = re.compile(rb"INVITE .*^To:[^\r\n]*;tag=", re.MULTILINE | re.DOTALL | re.IGNORECASE)

Address = tuple[str, int]


@dataclass(frozen=True)
class Passed:
    """One packet of sound to the device: when it came (kernel's clock), from which port, and whether it was lost."""

    packet: bytes
    arrived: float
    port: int
    is_lost: bool


class LossyPath(PacketReceiver):
    """Use it as a context manager for as long as the device runs."""

    def __init__(
        self,
        station: str,
        *,
        loss: float = 0.0,
        jitter: float = 0.0,
        sip_loss: float = 0.0,
        re_invite: float = 0.0,
        seed: int = 1,
    ) -> None:
        host, _, port = station.partition(":")
        self._station = (host, int(port))
        self._sound_loss, self._sip_loss, self._jitter, self._re_invite = loss, sip_loss, jitter, re_invite
        self._sound_chance, self._sip_chance = random.Random(seed), random.Random(seed + 1)
        self._to_device, self._to_station = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for one in (self._to_device, self._to_station):
            one.bind((LOOPBACK, 0))
        self._rtp, self._rtcp = media_sockets()
        super().__init__(self._to_device, self._to_station, self._rtp, self._rtcp)
        self._device: Address | None = None
        self._media: Address | None = None
        self._under_way: list[tuple[float, int, socket.socket, bytes, int]] = []
        self._numbers = itertools.count()
        self._last: tuple[float, int] | None = None
        self._jitter_now = 0.0
        self.passed: list[Passed] = []
        self.jitter_ms: list[float] = []
        """The jitter that the device has to measure (RFC 3550 §6.4.1), after each packet."""

    @property
    def server(self) -> str:
        """Where the device registers, as HOST:PORT."""
        return "{}:{}".format(*self._to_device.getsockname())

    def lost(self) -> int:
        """Return how many packets of sound have been lost so far."""
        return sum(one.is_lost for one in list(self.passed))

    def _run(self) -> None:
        run_in_real_time()
        with selectors.DefaultSelector() as selector:
            for one, take in (
                (self._to_device, self._from_device),
                (self._to_station, self._from_station),
                (self._rtp, self._sound),
                (self._rtcp, self._report),
            ):
                selector.register(one, selectors.EVENT_READ, take)
            while not self._stop.is_set():
                wait = self._under_way[0][0] - time.monotonic() if self._under_way else IDLE_SECONDS
                for key, _ in selector.select(max(0.0, min(wait, IDLE_SECONDS))):
                    key.data()
                self._deliver()

    def _from_device(self) -> None:
        message, self._device = self._to_device.recvfrom(65535)
        if (found := _MEDIA.search(message)) is not None and int(found[1]) != DISCARD_PORT:
            self._media = (LOOPBACK, int(found[1]))
            message = _replaced(message, b"m=audio %d " % self._media[1], b"m=audio %d " % self._rtp.getsockname()[1])
        self._to_station.sendto(_replaced(message, *self._names()), self._station)

    def _from_station(self) -> None:
        message = self._to_station.recv(65535)
        if self._device is not None and self._sip_chance.random() >= self._sip_loss:
            theirs, ours = self._names()
            at = time.monotonic() + self._sip_chance.uniform(0, self._jitter)
            at += self._re_invite if _RE_INVITE.match(message) else 0.0
            self._push(at, self._to_device, _replaced(message, ours, theirs), self._device[1])

    def _names(self) -> tuple[bytes, bytes]:
        """Return the device's address as it writes it, and the one that the station knows."""
        assert self._device is not None
        return b"%s:%d" % (LOOPBACK.encode(), self._device[1]), "{}:{}".format(*self._to_station.getsockname()).encode()

    def _sound(self) -> None:
        packet, extra, _, sender = self._rtp.recvmsg(2048, 64)
        is_lost = self._sound_chance.random() < self._sound_loss
        self.passed.append(Passed(packet, arrival(extra), sender[1], is_lost))
        at = time.monotonic() + self._sound_chance.uniform(0, self._jitter)
        if not is_lost and self._media is not None:
            self._push(at, self._rtp, packet, self._media[1])

    def _report(self) -> None:
        packet = self._rtcp.recv(2048)
        if self._media is not None:
            self._push(time.monotonic(), self._rtcp, packet, self._media[1] + 1)

    def _push(self, at: float, sender: socket.socket, packet: bytes, port: int) -> None:
        heapq.heappush(self._under_way, (at, next(self._numbers), sender, packet, port))

    def _deliver(self) -> None:
        while self._under_way and self._under_way[0][0] <= time.monotonic():
            _, _, sender, packet, port = heapq.heappop(self._under_way)
            sender.sendto(packet, (LOOPBACK, port))
            if sender is self._rtp:
                self._measure(packet)

    def _measure(self, packet: bytes) -> None:
        at, timestamp = time.monotonic() * RTP_CLOCK, int.from_bytes(packet[4:8], "big")
        if self._last is not None:
            apart = (timestamp - self._last[1] + (1 << 31)) % (1 << 32) - (1 << 31)
            self._jitter_now += (abs(at - self._last[0] - apart) - self._jitter_now) / 16
        self._last = at, timestamp
        self.jitter_ms.append(self._jitter_now * 1000 / RTP_CLOCK)


def _replaced(message: bytes, old: bytes, new: bytes) -> bytes:
    """Replace a part of a message, and correct the length of its body in the head (RFC 3261 §20.14)."""
    head, end, body = message.replace(old, new).partition(b"\r\n\r\n")
    return _LENGTH.sub(b"Content-Length: %d" % len(body), head) + end + body
