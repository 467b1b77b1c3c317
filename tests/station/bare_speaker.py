"""A device that shows what it is sent: it registers, answers OPTIONS, and answers every call with one status."""

import hashlib
import re
import socket
import threading
import uuid
from types import TracebackType
from typing import Self

from dialplans.accounts import REALM
from haichieu.process_control import run_in_real_time

NONCE = re.compile(r'nonce="([^"]+)"')
_ECHOED = ("via", "from", "call-id", "cseq")


class BareSpeaker:
    """SIP by hand (RFC 3261), so that no library hides a header. `invites` holds each call that came, as text, and
    `talking` is set when a call that it answered with 200 is confirmed.

    `answer` is the status that calls are answered with, `headers` whole lines that go with it. It registers `contact`
    (user, address and port), by default itself. `bind` is its own address.
    """

    def __init__(
        self,
        server: str,
        name: str,
        password: str,
        answer: str = "486 Busy Here",
        headers: tuple[str, ...] = (),
        contact: str = "",
        bind: str = "127.0.0.1",
    ) -> None:
        host, _, port = server.partition(":")
        self._host, self._server = server, (host, int(port))
        self.name = name
        self._password = password
        self._answer = answer
        self._headers = headers
        self.invites: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((bind, 0))
        self._socket.settimeout(0.2)
        self.address = "{}:{}".format(*self._socket.getsockname())
        self._contact = contact or f"{name}@{self.address}"
        self._call_id = uuid.uuid4().hex
        self._tag = self._call_id[:8]
        self.registered = threading.Event()
        self.talking = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._register(1)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._register(9, expires=0)
        self._socket.close()

    def _serve(self) -> None:
        run_in_real_time()  # this thread alone: a device has a processor of its own
        while not self._stop.is_set():
            try:
                packet = self._socket.recv(65535)
            except TimeoutError:
                continue
            if packet[:1] >= b"\x80":  # RTP, which comes back to where sound was sent from
                continue
            text = packet.decode()
            if text.startswith("SIP/2.0") and " REGISTER\r\n" not in text:
                self._answer_response(text)
            elif text.startswith("SIP/2.0 401") and (nonce := NONCE.search(text)):
                self._register(2, nonce[1])
            elif text.startswith("SIP/2.0 200"):
                self.registered.set()
            elif text.startswith("OPTIONS"):
                self._reply(text, "200 OK")
            else:
                if text.startswith("ACK") and self._answer.startswith("200"):
                    self.talking.set()
                self._answer_call(text)

    def _answer_response(self, text: str) -> None:
        """Take the response to another request than REGISTER: this device sends none."""

    def _answer_call(self, text: str) -> None:
        """Answer a request about a call."""
        if text.startswith("INVITE"):
            self.invites.append(text)
            body = self.description if self._answer.startswith("200") else ""
            self._reply(text, self._answer, self._headers or (f"Contact: <sip:{self._contact}>",), body)

    @property
    def description(self) -> str:
        """A session description (RFC 4566) for sound that is received nowhere."""
        host = self.address.partition(":")[0]
        lines = ["v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0", "m=audio 9 RTP/AVP 8"]
        return "".join(f"{line}\r\n" for line in lines)

    def _register(self, number: int, nonce: str = "", expires: int = 120) -> None:
        uri = f"sip:{self._server[0]}:{self._server[1]}"
        lines = [
            f"REGISTER {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{uuid.uuid4().hex};rport",
            f"From: <sip:{self.name}@{self._server[0]}>;tag={self._tag}",
            f"To: <sip:{self.name}@{self._server[0]}>",
            f"Call-ID: {self._call_id}",
            f"CSeq: {number} REGISTER",
            f"Contact: <sip:{self._contact}>",
            f"Expires: {expires}",
            "Max-Forwards: 70",
            "Content-Length: 0",
        ]
        if nonce:
            lines.append(f"Authorization: {self._digest('REGISTER', uri, nonce)}")
        self._socket.sendto("\r\n".join([*lines, "", ""]).encode(), self._server)

    def _digest(self, method: str, uri: str, nonce: str) -> str:
        return digest(self.name, self._password, method, uri, nonce)

    def _reply(self, request: str, status: str, headers: tuple[str, ...] = (), body: str = "") -> None:
        head = request.split("\r\n\r\n")[0].split("\r\n")[1:]
        kept = [line for line in head if line.split(":")[0].lower() in _ECHOED]
        to = next(line for line in head if line.lower().startswith("to:"))
        tagged = to if ";tag=" in to else f"{to};tag={self._tag}"
        answer = [f"SIP/2.0 {status}", *kept, tagged, *headers, f"Content-Length: {len(body)}"]
        if body:
            answer.append("Content-Type: application/sdp")
        self._socket.sendto("\r\n".join([*answer, "", body]).encode(), self._server)


def digest(name: str, password: str, method: str, uri: str, nonce: str) -> str:
    """Return the value of Authorization by RFC 2617 §3.2.2 with qop=auth."""
    count, once = "00000001", uuid.uuid4().hex
    secret = _md5(f"{name}:{REALM}:{password}")
    response = _md5(f"{secret}:{nonce}:{count}:{once}:auth:{_md5(f'{method}:{uri}')}")
    return (
        f'Digest username="{name}", realm="{REALM}", nonce="{nonce}", uri="{uri}", '
        f'response="{response}", algorithm=MD5, qop=auth, nc={count}, cnonce="{once}"'
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
