"""A telephone by hand that calls the station, presses keys, and holds the call while its carrier sends music."""

import re
import struct
import threading
import time
import uuid
from typing import Self

import numpy as np

from tests.station.bare_speaker import NONCE, digest
from tests.station.media_device import MediaDevice, field_of

_URI = re.compile(r"<([^>]+)>")
_PORT = re.compile(r"^m=audio (\d+) ", re.MULTILINE)
PACKET_SECONDS = 0.02
KEY_SECONDS = 0.3
"""From one key to the next, as a finger presses them."""


def _tone() -> bytes:
    """A 440 Hz tone, in A-law packets of 20 ms that follow each other (ITU-T G.711)."""
    wave = np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000) * 0.5
    magnitude = np.maximum((np.abs(wave) * 4095).astype(int), 1)
    exponent = np.maximum(np.floor(np.log2(magnitude)).astype(int) - 4, 0)
    mantissa = np.where(exponent > 0, magnitude >> exponent, magnitude >> 1) & 15
    code = (np.where(wave >= 0, 0x80, 0) | (exponent << 4) | mantissa) ^ 0x55
    return code.astype(np.uint8).tobytes()


class CallingPhone(MediaDevice):
    """Calls a number as an account of the station. From `play` on it sends a tone, on hold as well."""

    def __init__(self, server: str, name: str, password: str) -> None:
        super().__init__(server, name, password)
        self._direction = "sendrecv"
        self.answered = threading.Event()
        self._dialled = ""
        self._out_id = uuid.uuid4().hex
        self._theirs = ""
        self._contact_uri = ""
        self._sent: dict[int, tuple[str, str, str]] = {}
        self._sending = threading.Lock()
        self._sounding = threading.Event()
        self._sender = threading.Thread(target=self._send_sound)
        self._port = 0

    def __enter__(self) -> Self:
        self._sender.start()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self._request("BYE")
        super().__exit__(None, None, None)
        self._sender.join()

    def call(self, number: str) -> None:
        """Call a number and wait for the answer."""
        self._dialled = number
        self._invite()
        assert self.answered.wait(10), "the station answers"

    def digits(self, keys: str) -> None:
        """Press keys by SIP INFO."""
        for key in keys:
            self._request("INFO", "application/dtmf-relay", f"Signal={key}\r\nDuration=120\r\n")
            time.sleep(KEY_SECONDS)

    def play(self) -> None:
        """Send the tone from now on."""
        self._sounding.set()

    def hold(self, *, direction: str = "sendonly") -> None:
        """Hold the call; `sendrecv` resumes it."""
        self._direction = direction
        self._invite()

    def _invite(self) -> None:
        self._request("INVITE", "application/sdp", self.description)

    def _request(self, method: str, kind: str = "", body: str = "", nonce: str = "", number: int = 0) -> None:
        """Send one request; numbers leave in their order (RFC 3261 §12.2.1.1), whichever thread sends."""
        with self._sending:
            if not number:
                self._sequence += 1
                number = self._sequence
                self._sent[number] = (method, kind, body)
            self._socket.sendto(self._message(method, kind, body, nonce, number).encode(), self._server)

    def _message(self, method: str, kind: str, body: str, nonce: str, number: int) -> str:
        uri = self._contact_uri or f"sip:{self._dialled}@{self._host}"
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{uuid.uuid4().hex};rport",
            f"From: <sip:{self.name}@{self._host}>;tag={self._tag}",
            f"To: {self._theirs or f'<{uri}>'}",
            f"Call-ID: {self._out_id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:{self.name}@{self.address}>",
            "Max-Forwards: 70",
            f"Content-Length: {len(body)}",
        ]
        if kind:
            lines.append(f"Content-Type: {kind}")
        if nonce:
            lines.append(f"Authorization: {digest(self.name, self._password, method, uri, nonce)}")
        return "\r\n".join([*lines, "", body])

    def _answer_response(self, text: str) -> None:
        self._note_sender(text)
        number, method = field_of(text, "cseq").split()
        status = text.split(" ", 2)[1]
        if status == "401" and (nonce := NONCE.search(text)) and (asked := self._sent.pop(int(number), None)):
            self._request(*asked, nonce=nonce[1])
        elif status == "200" and method == "INVITE":
            self._theirs = field_of(text, "to")
            self._contact_uri = _URI.findall(field_of(text, "contact"))[0]
            self._port = int(_PORT.findall(text)[0])
            self._request("ACK", number=int(number))
            self.answered.set()

    def _send_sound(self) -> None:
        tone, sent = _tone(), 0
        while not self._stop.is_set():
            if self._sounding.is_set() and self._port:
                begin = sent * 160 % len(tone)
                header = struct.pack("!BBHII", 0x80, 8, sent & 0xFFFF, sent * 160, 0xCA11)
                self._rtp.sendto(header + tone[begin : begin + 160], (self._server[0], self._port))
                sent += 1
            time.sleep(PACKET_SECONDS)
