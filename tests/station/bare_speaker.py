"""A device that shows what it is sent: it registers, answers OPTIONS, and answers every call with one status."""

import hashlib
import re
import socket
import threading
import uuid
from types import TracebackType
from typing import Self

from dialplans.accounts import REALM

_NONCE = re.compile(r'nonce="([^"]+)"')
_ECHOED = ("via", "from", "call-id", "cseq")


class BareSpeaker:
    """SIP by hand (RFC 3261), so that no library hides a header. `invites` holds each call that came, as text.

    `answer` is the status that calls are answered with, `headers` whole lines that go with it.
    """

    def __init__(
        self, server: str, name: str, password: str, answer: str = "486 Busy Here", headers: tuple[str, ...] = ()
    ) -> None:
        host, _, port = server.partition(":")
        self._server = (host, int(port))
        self._name = name
        self._password = password
        self._answer = answer
        self._headers = headers
        self.invites: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self._call_id = uuid.uuid4().hex
        self.registered = threading.Event()
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
        while not self._stop.is_set():
            try:
                text = self._socket.recv(65535).decode()
            except TimeoutError:
                continue
            if text.startswith("SIP/2.0 401") and (nonce := _NONCE.search(text)):
                self._register(2, nonce[1])
            elif text.startswith("SIP/2.0 200"):
                self.registered.set()
            elif text.startswith("OPTIONS"):
                self._reply(text, "200 OK")
            elif text.startswith("INVITE"):
                self.invites.append(text)
                self._reply(text, self._answer, self._headers)

    def _register(self, number: int, nonce: str = "", expires: int = 120) -> None:
        address = "{}:{}".format(*self._socket.getsockname())
        uri = f"sip:{self._server[0]}:{self._server[1]}"
        lines = [
            f"REGISTER {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {address};branch=z9hG4bK{uuid.uuid4().hex};rport",
            f"From: <sip:{self._name}@{self._server[0]}>;tag={self._call_id[:8]}",
            f"To: <sip:{self._name}@{self._server[0]}>",
            f"Call-ID: {self._call_id}",
            f"CSeq: {number} REGISTER",
            f"Contact: <sip:{self._name}@{address}>",
            f"Expires: {expires}",
            "Max-Forwards: 70",
            "Content-Length: 0",
        ]
        if nonce:
            lines.append(f"Authorization: {self._digest(uri, nonce)}")
        self._socket.sendto("\r\n".join([*lines, "", ""]).encode(), self._server)

    def _digest(self, uri: str, nonce: str) -> str:
        """RFC 2617 §3.2.2 with qop=auth."""
        count, once = "00000001", uuid.uuid4().hex
        secret = _md5(f"{self._name}:{REALM}:{self._password}")
        response = _md5(f"{secret}:{nonce}:{count}:{once}:auth:{_md5(f'REGISTER:{uri}')}")
        return (
            f'Digest username="{self._name}", realm="{REALM}", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm=MD5, qop=auth, nc={count}, cnonce="{once}"'
        )

    def _reply(self, request: str, status: str, headers: tuple[str, ...] = ()) -> None:
        head = request.split("\r\n\r\n")[0].split("\r\n")[1:]
        kept = [line for line in head if line.split(":")[0].lower() in _ECHOED]
        to = next(line for line in head if line.lower().startswith("to:"))
        answer = [f"SIP/2.0 {status}", *kept, f"{to};tag={self._call_id[:8]}", *headers, "Content-Length: 0", "", ""]
        self._socket.sendto("\r\n".join(answer).encode(), self._server)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
