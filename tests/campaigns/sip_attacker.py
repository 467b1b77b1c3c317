"""SIP as an attacker speaks it (RFC 3261 by hand): any request with any header, calls with keys and sound, floods."""

import asyncio
import contextlib
import random
import re
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from tests.campaigns.hostile_sound import EVENT, PCMA, TICK, RtpStream
from tests.station.bare_speaker import NONCE, digest

ANSWER_SECONDS = 3.0
NO_ANSWER = "no answer"
_MEDIA_PORT = re.compile(r"m=audio (\d+) ")
_URI = re.compile(r"<([^>]+)>")


@dataclass(frozen=True)
class Sender:
    """What a request claims about its sender; with a password it answers challenges as `name`."""

    user: str
    display: str = ""
    name: str = ""
    password: str = ""


@dataclass
class _Dialog:
    call_id: str
    answers: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    is_over: bool = False


class SipAttacker(asyncio.DatagramProtocol):
    """One UDP socket. `requests` holds what the station sent on its own: calls and texts that it placed here."""

    def __init__(self, server: str, chance: random.Random) -> None:
        host, _, port = server.partition(":")
        self.server = server
        self._server = (host, int(port))
        self._chance = chance
        self._dialogs: dict[str, _Dialog] = {}
        self.requests: list[str] = []

    @classmethod
    async def opened(cls, server: str, chance: random.Random, bind: str, port: int = 0) -> Self:
        """Return one that listens at an address of this machine."""
        loop = asyncio.get_running_loop()
        _, attacker = await loop.create_datagram_endpoint(lambda: cls(server, chance), local_addr=(bind, port))
        return attacker

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """Note where it listens."""
        self._transport = transport
        self.bind, port = transport.get_extra_info("sockname")
        self.address = f"{self.bind}:{port}"

    def close(self) -> None:
        """Close the socket."""
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # type: ignore[override]
        """Take an answer, or a request of the station: calls are refused, everything else is accepted."""
        text = data.decode(errors="replace")
        if text.startswith("SIP/2.0"):
            if (dialog := self._dialogs.get(header(text, "call-id"))) is not None:
                dialog.answers.put_nowait(text)
            return
        method = text.partition(" ")[0]
        if method in ("INVITE", "MESSAGE"):
            self.requests.append(text)
        elif method == "BYE" and (dialog := self._dialogs.get(header(text, "call-id"))) is not None:
            dialog.is_over = True
        if method != "ACK":
            self._reply(text, "486 Busy Here" if method == "INVITE" else "200 OK")

    def error_received(self, exc: Exception) -> None:
        """Ignore that a packet found nobody."""

    def raw(self, data: bytes, to: tuple[str, int] | None = None) -> None:
        """Send bytes to the station, or to another address."""
        with contextlib.suppress(OSError):
            self._transport.sendto(data, to or self._server)

    async def request(
        self, method: str, to: str, sender: Sender, headers: Sequence[str] = (), body: str = "", seconds: float = 0.0
    ) -> str:
        """Send a request and return the status of its final answer."""
        dialog = _Dialog(uuid.uuid4().hex)
        self._dialogs[dialog.call_id] = dialog
        try:
            answer = await self._transaction(dialog, method, to, sender, headers, body, seconds or ANSWER_SECONDS)
        finally:
            del self._dialogs[dialog.call_id]
        return status_of(answer)

    async def call(
        self,
        to: str,
        sender: Sender,
        headers: Sequence[str] = (),
        keys: Sequence[tuple[float, str]] = (),
        sound_seconds: float = 0.0,
    ) -> str:
        """Call, press keys (each after a pause), play the tone, and hang up; return the status of the INVITE."""
        dialog, loop = _Dialog(uuid.uuid4().hex), asyncio.get_running_loop()
        self._dialogs[dialog.call_id] = dialog
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
            media.bind((self.bind, 0))
            media.setblocking(False)
            offer = session_description(self.bind, media.getsockname()[1])
            more = (*headers, "Content-Type: application/sdp")
            try:
                answer = await self._transaction(dialog, "INVITE", to, sender, more, offer, 8.0)
                if status_of(answer) != "200":
                    return status_of(answer)
                found, contact = _MEDIA_PORT.search(answer), _URI.search(header(answer, "contact"))
                target = contact[1] if contact else f"sip:{to}@{self.server}"
                try:
                    if found is not None:
                        stream, there = RtpStream(self._chance), (self._server[0], int(found[1]))
                        for pause, key in keys:
                            if dialog.is_over:
                                break
                            await asyncio.sleep(pause)
                            for packet in stream.key(key):
                                media.sendto(packet, there)
                                await asyncio.sleep(TICK)
                        until = loop.time() + sound_seconds
                        while loop.time() < until and not dialog.is_over:
                            media.sendto(stream.tone(PCMA), there)
                            await asyncio.sleep(TICK)
                finally:
                    self._in_dialog("BYE", dialog, target, answer, sender, 90)
                await asyncio.sleep(0.1)
            except OSError:
                return NO_ANSWER
            finally:
                del self._dialogs[dialog.call_id]
        return "200"

    async def missed_call(self, to: str, sender: Sender, seconds: float) -> str:
        """Let it ring and hang up before the answer."""
        dialog = _Dialog(uuid.uuid4().hex)
        self._dialogs[dialog.call_id] = dialog
        offer = session_description(self.bind, 9)
        branch = self._send(dialog, "INVITE", to, sender, ("Content-Type: application/sdp",), offer, 1)
        await asyncio.sleep(seconds)
        self._send(dialog, "CANCEL", to, sender, (), "", 1, branch=branch)
        status = NO_ANSWER
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                while True:
                    answer = await dialog.answers.get()
                    if header(answer, "cseq").endswith("INVITE") and not status_of(answer).startswith("1"):
                        status = status_of(answer)
                        self._acknowledge(dialog, to, sender, answer, branch)
                        break
        del self._dialogs[dialog.call_id]
        return status

    async def _transaction(
        self,
        dialog: _Dialog,
        method: str,
        to: str,
        sender: Sender,
        headers: Sequence[str],
        body: str,
        seconds: float,
    ) -> str:
        sequence, more = 1, tuple(headers)
        while True:
            branch = self._send(dialog, method, to, sender, more, body, sequence)
            answer = await self._final(dialog, sequence, seconds)
            if method == "INVITE" and answer:
                self._acknowledge(dialog, to, sender, answer, branch)
            nonce = NONCE.search(answer)
            if sequence > 1 or not sender.password or status_of(answer) not in ("401", "407") or nonce is None:
                return answer
            uri = f"sip:{to}@{self.server}"
            proof = digest(sender.name, sender.password, method, uri, nonce[1])
            sequence, more = 2, (*headers, f"Authorization: {proof}")

    async def _final(self, dialog: _Dialog, sequence: int, seconds: float) -> str:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    answer = await dialog.answers.get()
                    if not status_of(answer).startswith("1") and header(answer, "cseq").startswith(f"{sequence} "):
                        return answer
        return ""

    def _acknowledge(self, dialog: _Dialog, to: str, sender: Sender, answer: str, branch: str) -> None:
        sequence = int(header(answer, "cseq").split()[0])
        contact = _URI.search(header(answer, "contact"))
        is_taken = status_of(answer) == "200" and contact is not None
        target = contact[1] if is_taken and contact else f"sip:{to}@{self.server}"
        self._in_dialog("ACK", dialog, target, answer, sender, sequence, "" if is_taken else branch)

    def _send(
        self,
        dialog: _Dialog,
        method: str,
        to: str,
        sender: Sender,
        headers: Sequence[str],
        body: str,
        sequence: int,
        branch: str = "",
    ) -> str:
        branch = branch or f"z9hG4bK{uuid.uuid4().hex}"
        uri = f"sip:{to}@{self.server}"
        self.raw(self.message(method, uri, f"<{uri}>", sender, dialog.call_id, sequence, branch, headers, body))
        return branch

    def _in_dialog(
        self, method: str, dialog: _Dialog, target: str, answer: str, sender: Sender, sequence: int, branch: str = ""
    ) -> None:
        branch = branch or f"z9hG4bK{uuid.uuid4().hex}"
        to = header(answer, "to")
        self.raw(self.message(method, target, to, sender, dialog.call_id, sequence, branch))

    def message(
        self,
        method: str,
        uri: str,
        to: str,
        sender: Sender,
        call_id: str,
        sequence: int,
        branch: str,
        headers: Sequence[str] = (),
        body: str = "",
    ) -> bytes:
        """Return a request as bytes."""
        display = f'"{sender.display}" ' if sender.display else ""
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};branch={branch};rport",
            f"From: {display}<sip:{sender.user}@{self.server}>;tag={call_id[:8]}",
            f"To: {to}",
            f"Call-ID: {call_id}",
            f"CSeq: {sequence} {method}",
            f"Contact: <sip:{sender.name or 'x'}@{self.address}>",
            "Max-Forwards: 70",
            *headers,
            f"Content-Length: {len(body.encode())}",
        ]
        return "\r\n".join([*lines, "", body]).encode()

    def _reply(self, request: str, status: str) -> None:
        kept = [
            line
            for line in request.split("\r\n\r\n")[0].split("\r\n")[1:]
            if line.split(":")[0].lower() in ("via", "from", "to", "call-id", "cseq")
        ]
        tagged = [
            f"{line};tag=stranger" if line.lower().startswith("to:") and ";tag=" not in line else line for line in kept
        ]
        self.raw("\r\n".join([f"SIP/2.0 {status}", *tagged, "Content-Length: 0", "", ""]).encode())


def session_description(host: str, port: int) -> str:
    """Return an offer of G.711 A-law and telephone events."""
    return (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP {PCMA} {EVENT}\r\n"
        f"a=rtpmap:{PCMA} PCMA/8000\r\na=rtpmap:{EVENT} telephone-event/8000\r\na=fmtp:{EVENT} 0-15\r\n"
    )


def status_of(answer: str) -> str:
    """Return the status of an answer."""
    return answer.split(" ", 2)[1] if answer else NO_ANSWER


def header(message: str, name: str) -> str:
    """Return the first value of a header."""
    for line in message.split("\r\n"):
        if line.lower().startswith(f"{name}:"):
            return line.partition(":")[2].strip()
    return ""
