"""Call to a SIP device from a port that it does not know, to learn whether it answers strangers (RFC 3261).

The call offers sound but sends none, and ends at the first sign of an answer.
"""

import asyncio
import re
import uuid
from enum import StrEnum
from typing import cast

from haichieu.sip.address import SocketAddress, local_address_towards

PATIENCE_SECONDS = 4.0
RETRANSMIT_SECONDS = 0.5
"""Timer T1 of RFC 3261 §17.1.1.2, doubled after each transmission."""
AUTO_ANSWER = ("Call-Info: <sip:haichieu.invalid>;answer-after=0", "Answer-Mode: Auto")
"""An intruder would send them too; and a device that obeys them does not ring aloud."""

_STATUS = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})")
_TO = re.compile(r"^(?:To|t)[ \t]*:[ \t]*(.+?)\r?$", re.IGNORECASE | re.MULTILINE)
_CSEQ = re.compile(r"^CSeq[ \t]*:[ \t]*\d+[ \t]+(\w+)", re.IGNORECASE | re.MULTILINE)


class DirectAnswer(StrEnum):
    """What a device does with a call that its server has not sent."""

    ANSWERED = "answered"
    RANG = "rang"
    REFUSED = "refused"
    SILENT = "silent"

    @property
    def is_open(self) -> bool:
        """Whether anyone on the network can call it."""
        return self in (DirectAnswer.ANSWERED, DirectAnswer.RANG)


async def call_directly(target: SocketAddress, user: str, patience: float = PATIENCE_SECONDS) -> DirectAnswer:
    """Call a device and return what it did; `patience` is in seconds. Raises ServerNotFound or OSError."""
    source = local_address_towards(target)
    loop = asyncio.get_running_loop()
    transport, call = await loop.create_datagram_endpoint(
        lambda: _DirectCall(target, user), local_addr=(source, 0), remote_addr=(target.ip, target.port)
    )
    try:
        async with asyncio.timeout(patience):
            await call.settled()
    except TimeoutError:
        call.cancel()
    finally:
        transport.close()
    return call.answer


class _DirectCall(asyncio.DatagramProtocol):
    """One call, from the INVITE to its end."""

    def __init__(self, target: SocketAddress, user: str) -> None:
        self.answer = DirectAnswer.SILENT
        self._uri = f"sip:{user}@{target}"
        self._call_id, self._tag = uuid.uuid4().hex, uuid.uuid4().hex[:8]
        self._branch = f"z9hG4bK{uuid.uuid4().hex}"
        self._responded = asyncio.Event()
        self._settled = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None
        self._local = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self._local = "{}:{}".format(*transport.get_extra_info("sockname")[:2])

    async def settled(self) -> None:
        """Send the INVITE, again while there is no response, and wait for the end."""
        pause = RETRANSMIT_SECONDS
        while not self._responded.is_set():
            self._send("INVITE", self._branch, offer=True)
            try:
                async with asyncio.timeout(pause):
                    await self._responded.wait()
            except TimeoutError:
                pause *= 2
        await self._settled.wait()

    def cancel(self) -> None:
        """Take the INVITE back."""
        self._send("CANCEL", self._branch)

    def error_received(self, exc: Exception) -> None:
        """Nothing listens there (ICMP): nobody can call the device."""
        self._responded.set()
        self._settled.set()

    def datagram_received(self, data: bytes, addr: object) -> None:
        text = data.decode("utf-8", "replace")
        status, about = _STATUS.match(text), _CSEQ.search(text)
        if status is None or about is None or about[1] != "INVITE" or self._settled.is_set():
            return
        self._responded.set()
        code, to = int(status[1]), _TO.search(text)
        if 100 < code < 200:
            self.answer = DirectAnswer.RANG
            self.cancel()
        elif 200 <= code < 300:
            self.answer = DirectAnswer.ANSWERED
            self._send("ACK", f"{self._branch}a", to[1] if to else "")
            self._send("BYE", f"{self._branch}b", to[1] if to else "")
        elif code >= 300:
            if self.answer is DirectAnswer.SILENT:
                self.answer = DirectAnswer.REFUSED
            self._send("ACK", self._branch, to[1] if to else "")
        if code >= 200:
            self._settled.set()

    def _send(self, method: str, branch: str, to: str = "", *, offer: bool = False) -> None:
        assert self._transport is not None  # noqa: S101
        body = self._description() if offer else ""
        lines = [
            f"{method} {self._uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._local};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: <sip:check@{self._local}>;tag={self._tag}",
            f"To: {to or f'<{self._uri}>'}",
            f"Call-ID: {self._call_id}",
            f"CSeq: {2 if method == 'BYE' else 1} {method}",
            f"Contact: <sip:check@{self._local}>",
            *(AUTO_ANSWER if offer else ()),
            *(("Content-Type: application/sdp",) if offer else ()),
            f"Content-Length: {len(body)}",
        ]
        self._transport.sendto("\r\n".join([*lines, "", body]).encode())

    def _description(self) -> str:
        """Return an offer (RFC 3264) of sound that is never sent."""
        host = self._local.rpartition(":")[0]
        lines = ["v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0", "m=audio 9 RTP/AVP 8 0"]
        return "".join(f"{line}\r\n" for line in [*lines, "a=sendonly"])
