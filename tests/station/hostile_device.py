"""A registered device that is in a stranger's hands: it answers its calls, and sends requests of every kind."""

import re
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from tests.station.bare_speaker import NONCE, BareSpeaker

_TAG = re.compile(r";tag=([^;\s>]+)")
_URI = re.compile(r"<([^>]+)>")


NAMED = (
    "PJSIP%2F0900123456%40carrier",
    "Local%2Fs%40free-the-speakers",
    "Local%2Fgroup-0%40emergency-groups",
    "Local%2Fplayer%40studio",
    "Local%2F1900%40from-phone",
    "Local%2Fs%40leave-message",
    "Local%2Fs%40emergency-line",
    "Local%2F1999%40degraded",
    "Local%2F77%40degraded",
    "Local%2Fnobody%40emergency-groups",
)
"""What a device may name in a redirection: the trunk, and Local channels into every part of the dialplan."""


@dataclass(frozen=True)
class Attempt:
    """One request: within the dialog of the call, or on its own."""

    method: str
    headers: tuple[str, ...] = ()
    body: str = ""
    to: str = ""
    """The user whom it is for; empty for the other side of the call."""

    def __str__(self) -> str:
        return " ".join([self.method, self.to, *self.headers, self.body.partition("\r\n")[0]])


class HostileDevice(BareSpeaker):
    """Answers every call with 200. `answers` holds the final status of each request, by the method."""

    def __init__(
        self, server: str, name: str, password: str, headers: tuple[str, ...] = (), bind: str = "127.0.0.1"
    ) -> None:
        super().__init__(server, name, password, "200 OK", headers, bind=bind)
        self.answers: list[tuple[str, str]] = []
        self._sending = threading.Lock()
        self._sequence = 100
        self._sent: dict[int, tuple[Attempt, str]] = {}

    @property
    def replaces(self) -> str:
        """The dialog of its own call, as a Replaces header names it (RFC 3891)."""
        call = self.invites[-1]
        theirs = _TAG.search(_field(call, "from"))
        assert theirs is not None
        return f"{_field(call, 'call-id')};to-tag={self._tag};from-tag={theirs[1]}"

    def attack(self, attempts: Iterable[Attempt]) -> None:
        """Send requests; each is sent again with the password when the station asks for it."""
        for attempt in attempts:
            self._send(attempt, str(uuid.uuid4()))

    def send_sound(self, packet: bytes, port: int) -> None:
        """Send a packet of RTP to a port of the station."""
        self._socket.sendto(packet, (self._server[0], port))

    def _answer_response(self, text: str) -> None:
        number, method = _field(text, "cseq").split()
        status = text.split(" ", 2)[1]
        attempt, call_id = self._sent[int(number)]
        if status in ("401", "407") and (nonce := NONCE.search(text)):
            self._send(attempt, call_id, nonce[1])
        elif not status.startswith("1"):
            self.answers.append((method, status))

    def _answer_call(self, text: str) -> None:
        super()._answer_call(text)
        if not text.startswith("INVITE"):
            self._reply(text, "200 OK")

    def _send(self, attempt: Attempt, call_id: str, nonce: str = "") -> None:
        """Send one request; numbers leave in their order (RFC 3261 §12.2.1.1), whichever thread sends."""
        with self._sending:
            self._sequence += 1
            self._sent[self._sequence] = (attempt, call_id)
            request = self._request(attempt, call_id, nonce, self._sequence)
            self._socket.sendto(request.encode(), self._server)

    def _request(self, attempt: Attempt, call_id: str, nonce: str, number: int) -> str:
        inside = not attempt.to
        call = self.invites[-1] if self.invites else ""
        found = _URI.search(_field(call, "contact")) if inside else None
        uri = found[1] if found else f"sip:{attempt.to}@{self._host}"
        me = f"<sip:{self.name}@{self._host}>;tag={self._tag if inside else call_id[:8]}"
        lines = [
            f"{attempt.method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{uuid.uuid4().hex};rport",
            f"From: {me}",
            f"To: {_field(call, 'from') if inside else f'<{uri}>'}",
            f"Call-ID: {_field(call, 'call-id') if inside else call_id}",
            f"CSeq: {number} {attempt.method}",
            f"Contact: <sip:{self.name}@{self.address}>",
            "Max-Forwards: 70",
            *attempt.headers,
            f"Content-Length: {len(attempt.body)}",
        ]
        if nonce:
            lines.append(f"Authorization: {self._digest(attempt.method, uri, nonce)}")
        return "\r\n".join([*lines, "", attempt.body])


def hostile_requests(device: HostileDevice, server: str, carrier: str) -> list[Attempt]:
    """Requests of every method that could move a call, within the device's own call and outside of it.

    `server` and `carrier` are the addresses of the station and of its trunk. The device must have been called.
    """
    outside = f"<sip:0900123456@{carrier}>"
    named = [outside, *(f"<sip:{name}@{server}>" for name in ("1900", "cb-2", NAMED[0], NAMED[1]))]
    claims = (f"P-Asserted-Identity: {outside}", f"Diversion: {outside};reason=unconditional")
    signals = [f"Signal={key}\r\nDuration=160\r\n" for key in "1*#!"]
    held = device.description.replace("m=audio", "a=sendonly\r\nm=audio")
    dtmf, sdp, text = (f"Content-Type: {kind}" for kind in ("application/dtmf-relay", "application/sdp", "text/plain"))
    inside = [
        *(Attempt("REFER", (f"Refer-To: {name}", f"Referred-By: {outside}")) for name in named),
        Attempt("REFER", (f"Refer-To: <sip:cb-2@{server}?Replaces={device.replaces.replace(';', '%3B')}>",)),
        Attempt("INVITE", (sdp, *claims), held),
        Attempt("UPDATE", (sdp, *claims), held),
        *(Attempt("INFO", (dtmf,), signal) for signal in signals),
        Attempt("INFO", ("Record: on",)),
        Attempt("MESSAGE", (text,), "1"),
        Attempt("SUBSCRIBE", ("Event: dialog", "Expires: 60")),
        Attempt(
            "NOTIFY", ("Event: refer", "Subscription-State: active", "Content-Type: message/sipfrag"), "SIP/2.0 200 OK"
        ),
    ]
    others = [
        "1900",
        "1999",
        "cb-2",
        "0900123456",
        "0900123456%40carrier",
        "s",
        "group-0",
        "player",
        NAMED[0],
        NAMED[1],
    ]
    alone = [
        *(Attempt(method, (f"Refer-To: {outside}",), to=to) for method in ("REFER",) for to in ("1900", "cb-2")),
        *(
            Attempt("SUBSCRIBE", (f"Event: {event}", "Expires: 60"), to="cb-2")
            for event in ("dialog", "presence", "refer")
        ),
        Attempt("PUBLISH", ("Event: presence", "Content-Type: application/pidf+xml"), "<presence/>", to="cb-2"),
        *(Attempt("MESSAGE", (text,), "1", to=to) for to in ("cb-2", "0900123456", "0900123456%40carrier")),
        *(Attempt("INFO", (dtmf,), signals[2], to=to) for to in ("cb-2", "1900")),
        Attempt("UPDATE", (sdp, *claims), held, to="cb-2"),
        Attempt("NOTIFY", ("Event: check-sync", "Subscription-State: active"), to="cb-2"),
        Attempt("REGISTER", ("Contact: *", "Expires: 0"), to="cb-2"),
    ]
    if device.name == "cb-1":  # a phone may call the station; a loudspeaker calls nobody
        replaced = (sdp, f"Replaces: {device.replaces}")
        alone += [Attempt("INVITE", more, device.description, to=to) for to in others for more in ((sdp,), replaced)]
    return inside + alone


def _field(message: str, name: str) -> str:
    for line in message.split("\r\n"):
        if line.lower().startswith(f"{name}:"):
            return line.partition(":")[2].strip()
    return ""
