"""A loudspeaker by hand: it takes sound and counts it, reports by RTCP or not, holds the call, or falls silent."""

import contextlib
import re
import socket
import struct
import threading
import time
import uuid
from types import TracebackType
from typing import Self

from haichieu.process_control import run_in_real_time
from tests.station.bare_speaker import BareSpeaker

LOOPBACK = "127.0.0.1"
_URI = re.compile(r"<([^>]+)>")
_AUDIO_PORT = re.compile(r"^m=audio (\d+)", re.MULTILINE)
RECEIVER_REPORT = 201
REPORT_SECONDS = 0.5
RTP_HEADER = 12
VOICED_VALUES = 4
"""G.711 silence has one or two values; a packet with more than this many carries sound."""
BUFFER_BYTES = 1 << 20
SO_TIMESTAMPNS = 35
"""Not in the module `socket`; see socket(7)."""


def media_sockets() -> tuple[socket.socket, socket.socket]:
    """Return sockets for RTP, with the time of each packet, and, on the next port, for RTCP (RFC 3550 §11).

    Another program may have that port.
    """
    while True:
        rtp, rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        rtp.bind((LOOPBACK, 0))
        try:
            rtcp.bind((LOOPBACK, rtp.getsockname()[1] + 1))
        except OSError:
            rtp.close()
            rtcp.close()
            continue
        rtp.settimeout(0.1)
        rtp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        return rtp, rtcp


class MediaDevice(BareSpeaker):
    """Answers calls with 200. `reports` turns on receiver reports (RFC 3550 §6.4.2) of what was lost and of the jitter.

    It hears only what comes from a port that its calls have named: another call, which had one of its ports before, may
    still be sent sound or reports.

    `loses_every` is how often an OPTIONS transaction gets no answer: 3 is every third. Calls are answered after
    `answers_after` seconds.
    """

    def __init__(
        self,
        server: str,
        name: str,
        password: str,
        *,
        reports: tuple[int, int] | None = None,
        loses_every: int = 0,
        answers_after: float = 0.0,
    ) -> None:
        super().__init__(server, name, password, "200 OK")
        self._rtp, self._rtcp = media_sockets()
        self.reports = reports
        self._loses_every = loses_every
        self._answers_after = answers_after
        self._options: list[str] = []
        self.ringing: dict[str, tuple[threading.Timer, str]] = {}
        """The calls that it answers late: when, and the INVITE, by Call-ID."""
        self._direction = "recvonly"
        self._sequence = 500
        self._senders: set[int] = set()
        self._media = threading.Thread(target=self._receive)
        self.silent = threading.Event()
        """Set: nothing is answered or sent any more, as after a power cut."""
        self.times: list[float] = []
        """When each packet of sound arrived (`time.monotonic`)."""
        self.voiced: list[tuple[float, bytes]] = []
        """When each packet arrived that is not silence, by the clock of the kernel (`time.time`), and its sound."""
        self.requests: list[str] = []
        """The method of every request within a call."""
        self.ended: list[float] = []
        """When each BYE or CANCEL arrived (`time.time`)."""

    def __enter__(self) -> Self:
        self._media.start()
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for answer, _ in self.ringing.values():
            answer.cancel()
        super().__exit__(kind, error, at)
        self._media.join()
        self._rtp.close()
        self._rtcp.close()

    @property
    def description(self) -> str:
        """A session description with the port on which sound is counted."""
        lines = [
            "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
            f"m=audio {self._rtp.getsockname()[1]} RTP/AVP 8", f"a={self._direction}",
        ]  # fmt: skip
        return "".join(f"{line}\r\n" for line in lines)

    def hold(self, *, direction: str = "sendonly") -> None:
        """Change the direction of the call: `sendonly` and `inactive` hold it, `recvonly` resumes it."""
        self._direction = direction
        self._sequence += 1
        call = self.invites[-1]
        uri = _URI.search(field_of(call, "contact"))
        assert uri is not None
        lines = [
            f"INVITE {uri[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{uuid.uuid4().hex};rport",
            f"From: {field_of(call, 'to')};tag={self._tag}",
            f"To: {field_of(call, 'from')}",
            f"Call-ID: {field_of(call, 'call-id')}",
            f"CSeq: {self._sequence} INVITE",
            f"Contact: <sip:{self.name}@{self.address}>",
            "Max-Forwards: 70",
            "Content-Type: application/sdp",
            f"Content-Length: {len(self.description)}",
        ]
        self._socket.sendto("\r\n".join([*lines, "", self.description]).encode(), self._server)

    def packets_since(self, begin: float) -> int:
        """Return how many packets of sound have arrived since a moment."""
        return sum(at >= begin for at in list(self.times))

    def _answer_response(self, text: str) -> None:
        self._note_sender(text)
        if "INVITE" in field_of(text, "cseq") and text.startswith("SIP/2.0 200"):
            uri = _URI.search(field_of(text, "contact"))
            assert uri is not None
            lines = [
                f"ACK {uri[1]} SIP/2.0",
                f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{uuid.uuid4().hex};rport",
                *(f"{name}: {field_of(text, name.lower())}" for name in ("From", "To", "Call-ID")),
                f"CSeq: {field_of(text, 'cseq').split()[0]} ACK",
                "Max-Forwards: 70",
                "Content-Length: 0",
            ]
            self._socket.sendto("\r\n".join([*lines, "", ""]).encode(), self._server)

    def _reply(self, request: str, status: str, headers: tuple[str, ...] = (), body: str = "") -> None:
        if self.silent.is_set():
            return
        if request.startswith("OPTIONS") and self._loses_every:
            if (transaction := field_of(request, "call-id")) not in self._options:
                self._options.append(transaction)
            if (self._options.index(transaction) + 1) % self._loses_every == 0:
                return
        super()._reply(request, status, headers, body)

    def _answer_call(self, text: str) -> None:
        self._note_sender(text)
        method = text.partition(" ")[0]
        if method in ("BYE", "CANCEL"):
            self.ended.append(time.time())
        if ";tag=" not in field_of(text, "to"):
            if not self._rings(text, method):
                super()._answer_call(text)
            return
        self.requests.append(method)
        if method in ("INVITE", "UPDATE"):
            self._reply(text, "200 OK", (f"Contact: <sip:{self._contact}>",), self.description)
        elif method != "ACK":
            self._reply(text, "200 OK")

    def _note_sender(self, text: str) -> None:
        """Learn from a session description where sound will come from: those who name a port send from it, too."""
        self._senders.update(int(port) for port in _AUDIO_PORT.findall(text.replace("\r", "")))

    def _rings(self, text: str, method: str) -> bool:
        """Take a request to a device that takes its time to answer; return whether that is all (RFC 3261 §9.2)."""
        call = field_of(text, "call-id")
        if method == "INVITE" and self._answers_after and not self.silent.is_set():
            if call not in self.ringing:
                self._reply(text, "180 Ringing")
                answer = threading.Timer(self._answers_after, super()._answer_call, (text,))
                self.ringing[call] = answer, text
                answer.start()
            return True
        if method == "CANCEL" and call in self.ringing:
            answer, invite = self.ringing[call]
            answer.cancel()
            self._reply(text, "200 OK")
            self._reply(invite, "487 Request Terminated")
        return method == "CANCEL"

    def _receive(self) -> None:
        run_in_real_time()
        reported, rtp, rtcp = time.monotonic(), self._rtp, self._rtcp
        while not self._stop.is_set():
            try:
                packet, extra, _, source = rtp.recvmsg(2048, 64)
            except TimeoutError:
                continue
            except OSError:  # it has been closed: the device has moved
                return
            if source[1] not in self._senders:
                continue
            self.times.append(time.monotonic())
            self._heard(packet, arrival(extra), source[1])
            if self.reports and self.times[-1] - reported > REPORT_SECONDS and not self.silent.is_set():
                reported = self.times[-1]
                with contextlib.suppress(OSError):  # nobody listens there
                    rtcp.sendto(self._report(packet), (source[0], source[1] + 1))

    def _heard(self, packet: bytes, arrived: float, port: int) -> None:
        """Take a packet of sound, which arrived from a port at a moment by the clock of the kernel."""
        if len(set(packet[RTP_HEADER:])) > VOICED_VALUES:
            self.voiced.append((arrived, packet[RTP_HEADER:]))

    def _report(self, packet: bytes) -> bytes:
        lost, jitter = self.reports or (0, 0)
        sequence, stream = struct.unpack("!H", packet[2:4])[0], packet[8:12]
        block = stream + struct.pack("!IIIII", lost & 0xFFFFFF, sequence, jitter, 0, 0)
        return struct.pack("!BBHI", 0x81, RECEIVER_REPORT, 7, 0x5EAC0DE) + block


def arrival(extra: list[tuple[int, int, bytes]]) -> float:
    """Return when a packet arrived, by the clock of the kernel, from what `recvmsg` returns with SO_TIMESTAMPNS."""
    seconds, nanoseconds = struct.unpack("qq", extra[0][2])
    return float(seconds + nanoseconds / 1e9)


def field_of(message: str, name: str) -> str:
    """Return the value of a header."""
    for line in message.split("\r\n"):
        if line.lower().startswith(f"{name}:"):
            return line.partition(":")[2].strip()
    return ""
