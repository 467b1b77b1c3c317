"""A registered device that is in a stranger's hands: it answers its calls, and sends requests of every kind."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from tests.station.bare_speaker import NONCE, BareSpeaker

_TAG = re.compile(r";tag=([^;\s>]+)")
_URI = re.compile(r"<([^>]+)>")


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

    def __init__(self, server: str, name: str, password: str, headers: tuple[str, ...] = ()) -> None:
        super().__init__(server, name, password, "200 OK", headers)
        self.answers: list[tuple[str, str]] = []
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
        self._sequence += 1
        self._sent[self._sequence] = (attempt, call_id)
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
            f"CSeq: {self._sequence} {attempt.method}",
            f"Contact: <sip:{self.name}@{self.address}>",
            "Max-Forwards: 70",
            *attempt.headers,
            f"Content-Length: {len(attempt.body)}",
        ]
        if nonce:
            lines.append(f"Authorization: {self._digest(attempt.method, uri, nonce)}")
        self._socket.sendto("\r\n".join([*lines, "", attempt.body]).encode(), self._server)


def _field(message: str, name: str) -> str:
    for line in message.split("\r\n"):
        if line.lower().startswith(f"{name}:"):
            return line.partition(":")[2].strip()
    return ""
