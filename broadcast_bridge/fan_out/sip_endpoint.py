"""SIP endpoint of the fan-out (RFC 3261): it answers the calls of one Asterisk on loopback, and makes none.

It sends no provisional responses, so Asterisk repeats a request until it has seen the answer, which is stored: the
endpoint needs no timers of its own (RFC 3261 §17.1.1.2).
"""

import re
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from broadcast_bridge.fan_out.session_description import Address, Description, read, write

MOST_STORED = 8192
"""Responses that are stored for a repeated request; Asterisk repeats one for 32 seconds at most."""
_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
}
_USER = re.compile(r"^sips?:([^@;>\s]+)@")
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS"
_REASONS = {
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 481: "Call Does Not Exist",
    488: "Not Acceptable Here",
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """One request: method, URI, header fields by lower-case name, and body."""

    method: str
    uri: str
    fields: dict[str, list[str]]
    body: str

    def field(self, name: str) -> str:
        """Return the first value of a header field; empty if there is none."""
        return self.fields.get(name, [""])[0]

    @property
    def user(self) -> str:
        """The user part of the request URI."""
        found = _USER.match(self.uri)
        return found[1] if found else ""


def parse(text: str) -> Request | None:
    """Return the request, or None if the text is none or lacks a field that every response repeats."""
    head, _, body = text.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] != "SIP/2.0":
        return None
    fields: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            return None
        name = name.strip().lower()
        fields.setdefault(_COMPACT.get(name, name), []).append(value.strip())
    if not all(name in fields for name in ("via", "from", "to", "call-id", "cseq")):
        return None
    return Request(words[0], words[1], fields, body)


class Calls(Protocol):
    """Takes the calls: each is known by the key in its URI, which nobody can guess."""

    def offered(self, key: str, description: Description) -> str | None:
        """Take the address of a call, also in a re-INVITE; return the codec, or None to refuse."""
        ...

    def is_expected(self, key: str) -> bool:
        """Return whether there is to be a call with this key."""
        ...

    def ended(self, key: str) -> None:
        """Take the end of a call."""
        ...


@dataclass
class _Dialog:
    key: str
    tag: str
    version: int = 0


@dataclass
class SipEndpoint:
    """Answers requests; `address` is that of the sound, `contact` that of the SIP socket."""

    calls: Calls
    address: Address
    contact: Address
    is_asterisk: Callable[[Address], bool]
    """Whether a packet from this address is Asterisk's: others get no answer."""
    _dialogs: dict[str, _Dialog] = field(default_factory=dict)
    _stored: "OrderedDict[str, bytes]" = field(default_factory=OrderedDict)

    def answer(self, data: bytes, sender: Address) -> bytes | None:
        """Return the response to a datagram, or None for what gets none."""
        request = parse(data.decode("utf-8", "replace")) if self.is_asterisk(sender) else None
        if request is None or request.method == "ACK":
            return None
        transaction = f"{request.field('via')} {request.field('cseq')} {request.field('call-id')}"
        if (stored := self._stored.get(transaction)) is not None:
            return stored
        response = self._response(request)
        self._stored[transaction] = response
        if len(self._stored) > MOST_STORED:
            self._stored.popitem(last=False)
        return response

    def _response(self, request: Request) -> bytes:
        call_id = request.field("call-id")
        dialog = self._dialogs.get(call_id)
        if request.method == "OPTIONS":
            return _response(request, 200, dialog)
        if request.method == "INVITE":
            return self._invited(request, dialog)
        if request.method in ("BYE", "CANCEL"):
            if dialog is None:
                return _response(request, 481, dialog)
            if request.method == "BYE":
                del self._dialogs[call_id]
                self.calls.ended(dialog.key)
            return _response(request, 200, dialog)
        return _response(request, 405, dialog)

    def _invited(self, request: Request, dialog: _Dialog | None) -> bytes:
        if dialog is None:
            if ";tag=" in request.field("to").lower():
                return _response(request, 481, None)
            if not self.calls.is_expected(request.user):
                return _response(request, 404, None)
            dialog = _Dialog(request.user, uuid.uuid4().hex)
        description = read(request.body)
        codec = self.calls.offered(dialog.key, description) if description else None
        if codec is None:
            return _response(request, 488, dialog)
        self._dialogs[request.field("call-id")] = dialog
        dialog.version += 1
        return _response(request, 200, dialog, write(self.address, codec, dialog.version), self.contact)


def _response(
    request: Request, status: int, dialog: _Dialog | None, body: str = "", contact: Address | None = None
) -> bytes:
    to = request.field("to")
    if ";tag=" not in to.lower():
        to += f";tag={dialog.tag if dialog else uuid.uuid4().hex}"
    lines = [
        f"SIP/2.0 {status} {_REASONS[status]}",
        *(f"Via: {via}" for via in request.fields["via"]),
        *(f"Record-Route: {route}" for route in request.fields.get("record-route", [])),
        f"From: {request.field('from')}",
        f"To: {to}",
        f"Call-ID: {request.field('call-id')}",
        f"CSeq: {request.field('cseq')}",
        f"Allow: {ALLOW}",
    ]
    if contact:
        lines.append(f"Contact: <sip:{contact[0]}:{contact[1]}>")
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body.encode())}")
    return ("\r\n".join([*lines, "", ""]) + body).encode()
