"""Hundreds of telephones in one loop: SIP by hand (RFC 3261), each with a tone of its own and digits by RFC 4733.

SIPp's `play_dtmf` is not heard as digits, and its callers all sound alike; here every recording shows whose it is.
"""

import socket
import struct
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

TICK = 0.02
FRAME = 160
EVENT = 101
"""Payload type of telephone events."""
DIGIT_TICKS = 5
END_PACKETS = 3
LOWEST_HERTZ, HERTZ_APART = 300, 10
ARRIVALS_PER_SECOND = 25.0

_KEYS = "0123456789*#"


@dataclass(frozen=True)
class Script:
    """What a caller does, in seconds from the answer: keys, when to fall silent, when to hang up."""

    keys: Sequence[tuple[float, str]]
    silent_at: float
    hang_up_at: float


@dataclass
class Caller:
    """One telephone."""

    number: str
    hertz: int
    script: Script
    tag: str = field(default_factory=lambda: uuid.uuid4().hex)
    answered_at: float | None = None
    hung_up_at: float = 0.0
    """By the wall clock; 0 while the call has not ended."""
    refused: str = ""
    _to: str = ""
    _target: str = ""
    _remote: tuple[str, int] = ("", 0)
    _invited_at: float = 0.0
    _heard_of: bool = False
    _sequence: int = 0
    _stamp: int = 0
    _event: int = 0
    _pressed: int = 0

    def __post_init__(self) -> None:
        self._media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._media.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)  # nobody listens: let it be dropped
        self._media.bind(("127.0.0.1", 0))
        self._media.setblocking(False)
        self._source = int(self.tag[:8], 16)
        tone = 0.3 * np.sin(2 * np.pi * self.hertz * np.arange(5 * FRAME) / 8000)
        coded = _ulaw(tone)
        self._tone = [coded[begin : begin + FRAME] for begin in range(0, 5 * FRAME, FRAME)]  # whole periods

    def close(self) -> None:
        """Give the port back."""
        self._media.close()

    def frame(self, moment: float) -> bool:
        """Send what is due in this tick; return whether the call continues."""
        assert self.answered_at is not None
        since = moment - self.answered_at
        if since >= self.script.hang_up_at:
            return False
        if not self._event and self._pressed < len(self.script.keys) and since >= self.script.keys[self._pressed][0]:
            self._event = 1
        if self._event:
            self._send_digit(self.script.keys[self._pressed][1])
        elif since < self.script.silent_at:
            self._send(0, self._stamp, self._tone[(self._stamp // FRAME) % 5])
        else:
            self._send(0, self._stamp, b"\xff" * FRAME)
        self._stamp += FRAME
        return True

    def _send_digit(self, key: str) -> None:
        """One packet of an event: the same timestamp throughout, its end three times (RFC 4733 §2.5.1.4)."""
        tick = self._event
        ended = tick > DIGIT_TICKS
        begin = self._stamp - (tick - 1) * FRAME
        payload = struct.pack("!BBH", _KEYS.index(key), (0x80 if ended else 0) | 10, min(tick, DIGIT_TICKS) * FRAME)
        self._send(EVENT | (0x80 if tick == 1 else 0), begin, payload)
        self._event += 1
        if self._event > DIGIT_TICKS + END_PACKETS:
            self._event, self._pressed = 0, self._pressed + 1

    def _send(self, kind: int, stamp: int, payload: bytes) -> None:
        header = struct.pack("!BBHII", 0x80, kind, self._sequence & 0xFFFF, stamp & 0xFFFFFFFF, self._source)
        self._sequence += 1
        try:
            self._media.sendto(header + payload, self._remote)
        except BlockingIOError:
            return

    def invite(self, line: "Line", moment: float) -> None:
        """Ask for the call, also for the second time."""
        self._invited_at = moment
        port = self._media.getsockname()[1]
        offer = (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 {EVENT}"
            f"\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:{EVENT} telephone-event/8000\r\na=fmtp:{EVENT} 0-15\r\n"
        )
        line.send(self, "INVITE", line.uri, f"<{line.uri}>", 1, offer)

    def overdue(self, moment: float) -> bool:
        """Whether the request for the call may have been lost."""
        return not self._heard_of and moment - self._invited_at > 0.5

    def hear(self, line: "Line", text: str, moment: float) -> None:
        """Take a message of its call."""
        self._heard_of = True
        if not text.startswith("SIP/2.0"):
            if text.startswith("BYE"):
                self.hung_up_at = self.hung_up_at or time.time()
            line.accept(text)
            return
        status, about = int(text.split(" ", 2)[1]), _header(text, "CSeq")
        if status < 200 or "INVITE" not in about:
            return
        self._to = _header(text, "To")
        self._target = _header(text, "Contact").strip("<>") or line.uri
        line.send(self, "ACK", self._target, self._to, 1)
        if status >= 300:
            self.refused = text.splitlines()[0]
        elif self.answered_at is None:
            self._remote = ("127.0.0.1", int(text.split("m=audio ")[1].split(" ")[0]))
            self.answered_at = moment

    def hang_up(self, line: "Line") -> None:
        """End the call."""
        self.hung_up_at = time.time()
        line.send(self, "BYE", self._target, self._to, 2)


class Line:
    """The one SIP port of all callers: the far side of a trunk."""

    def __init__(self, server: tuple[str, int], dialled: str) -> None:
        self._server = server
        self.uri = f"sip:{dialled}@{server[0]}:{server[1]}"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._here = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def run(self, callers: Sequence[Caller]) -> float:
        """Place all the calls; return when every one is over, with the seconds by which packets were late, at worst.

        Call it in a thread that runs ahead of others: real telephones do not share the station's processor.
        """
        by_tag = {caller.tag: caller for caller in callers}
        waiting = list(callers)
        begun: list[Caller] = []
        late = 0.0
        started = due = time.monotonic()
        while waiting or any(not (caller.hung_up_at or caller.refused) for caller in begun):
            moment = time.monotonic()
            while waiting and moment - started >= len(begun) / ARRIVALS_PER_SECOND:
                begun.append(waiting.pop(0))
                begun[-1].invite(self, moment)
            self._listen(by_tag)
            for caller in begun:
                if caller.hung_up_at or caller.refused:
                    continue
                if caller.answered_at is None:
                    if caller.overdue(moment):
                        caller.invite(self, moment)
                    elif moment - started > 60:
                        caller.refused = "no answer"
                elif not caller.frame(moment):
                    caller.hang_up(self)
            late = max(late, time.monotonic() - due)
            due += TICK
            time.sleep(max(0.0, due - time.monotonic()))
        time.sleep(0.5)
        self._listen(by_tag)
        for caller in callers:
            caller.close()
        self._socket.close()
        return late

    def send(self, caller: Caller, method: str, uri: str, to: str, number: int, body: str = "") -> None:
        """Send a request of a caller's call."""
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._here};rport;branch=z9hG4bK{caller.tag[:12]}{method}",
            f"From: <sip:{caller.number}@127.0.0.1>;tag={caller.tag[:8]}",
            f"To: {to}",
            f"Call-ID: {caller.tag}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:{caller.number}@{self._here}>",
            "Max-Forwards: 70",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._socket.sendto("\r\n".join([*lines, "", body]).encode(), self._server)

    def accept(self, request: str) -> None:
        """Answer a request of the station with 200."""
        echoed = [
            line for line in request.splitlines() if line.lower().startswith(("via", "from", "to:", "call", "cs"))
        ]
        self._socket.sendto(
            "\r\n".join(["SIP/2.0 200 OK", *echoed, "Content-Length: 0", "", ""]).encode(), self._server
        )

    def _listen(self, by_tag: dict[str, Caller]) -> None:
        while True:
            try:
                text = self._socket.recv(65535).decode()
            except BlockingIOError:
                return
            except UnicodeDecodeError:  # sound of a call that is over, whose port this one was
                continue
            if (caller := by_tag.get(_header(text, "Call-ID"))) is not None:
                caller.hear(self, text, time.monotonic())


def _header(text: str, name: str) -> str:
    start = f"{name.lower()}:"
    return next((line[len(start) :].strip() for line in text.splitlines() if line.lower().startswith(start)), "")


def _ulaw(samples: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> bytes:
    """ITU-T G.711 µ-law."""
    values = np.clip(np.abs(samples * 32768).astype(int), 0, 32635) + 132
    exponent = np.floor(np.log2(values)).astype(int) - 7
    mantissa = (values >> (exponent + 3)) & 0x0F
    return bytes((~(np.where(samples < 0, 0x80, 0) | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))
