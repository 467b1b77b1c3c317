"""A loudspeaker by hand that stores each packet, and answers a re-INVITE as a test wants."""

import math
import socket
import threading
import time
from dataclasses import dataclass
from types import TracebackType

from tests.station.media_device import RTP_HEADER, VOICED_VALUES, MediaDevice, field_of, media_sockets

STEPS_IN_A_PACKET = 1


@dataclass(frozen=True)
class Heard:
    """One packet: when it came (`time.monotonic`; `arrived` by the kernel's clock), from which port, and its sound."""

    at: float
    port: int
    sequence: int
    ssrc: bytes
    code: int | None
    """Its last code of sound, if it has one or two: the steps of a sound do not begin where packets do."""
    arrived: float
    sound: bytes

    @property
    def is_voiced(self) -> bool:
        """Whether it is no silence."""
        return len(set(self.sound)) > VOICED_VALUES


def heard(packet: bytes, arrived: float, port: int, at: float = 0.0) -> Heard:
    """Return what a packet is that has come."""
    sound = packet[RTP_HEADER:]
    code = sound[-1] if len(set(sound)) <= STEPS_IN_A_PACKET else None
    return Heard(at, port, int.from_bytes(packet[2:4], "big"), packet[8:12], code, arrived, sound)


class RecordingDevice(MediaDevice):
    """`re_invite` is the status that a re-INVITE is answered with (None: not at all), `after` seconds later.

    With `enough`, it is answered as soon as so many packets have come.
    """

    def __init__(
        self,
        server: str,
        name: str,
        password: str,
        *,
        re_invite: str | None = "200 OK",
        after: float = 0.0,
        enough: float = math.inf,
        answers_after: float = 0.0,
    ) -> None:
        super().__init__(server, name, password, reports=(0, 0), answers_after=answers_after)
        self.heard: list[Heard] = []
        self.re_invite, self.after, self.enough = re_invite, after, enough
        self.bodies: list[str] = []
        self.answered_at: list[float] = []
        """When it answered each call (`time.time`)."""
        self._former: list[tuple[threading.Thread, socket.socket, socket.socket]] = []

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        super().__exit__(kind, error, at)
        self.close_former()

    def move(self) -> None:
        """Want the sound at other ports, by a re-INVITE; it is heard at the former ones as well."""
        self._former.append((self._media, self._rtp, self._rtcp))
        self._rtp, self._rtcp = media_sockets()
        self._media = threading.Thread(target=self._receive)
        self._media.start()
        self.hold(direction="recvonly")

    def close_former(self) -> None:
        """Hear nothing at former ports any more."""
        for thread, *sockets in self._former:
            for one in sockets:
                one.close()
            thread.join()
        self._former.clear()

    def _reply(self, request: str, status: str, headers: tuple[str, ...] = (), body: str = "") -> None:
        if request.startswith("INVITE") and status.startswith("200") and ";tag=" not in field_of(request, "to"):
            self.answered_at.append(time.time())
        super()._reply(request, status, headers, body)

    def _answer_call(self, text: str) -> None:
        if ";tag=" in field_of(text, "to") and text.startswith("INVITE"):
            self.bodies.append(text.partition("\r\n\r\n")[2])
            self._wait()
            if self.re_invite is None:
                self.requests.append("INVITE")
                return
            if not self.re_invite.startswith("200"):
                self.requests.append("INVITE")
                self._reply(text, self.re_invite)
                return
        super()._answer_call(text)

    def _wait(self) -> None:
        begun = time.monotonic()
        while time.monotonic() - begun < self.after and len(self.heard) < self.enough:
            time.sleep(0.01)

    def _heard(self, packet: bytes, arrived: float, port: int) -> None:
        self.heard.append(heard(packet, arrived, port, self.times[-1]))

    def since(self, moment: float) -> list[Heard]:
        """Return the packets that have come since a moment."""
        return [one for one in list(self.heard) if one.at >= moment]
