"""SIP messages as Asterisk reports them (res_hep_pjsip, HEP 3): whether a speaker has agreed to direct sound.

Asterisk tells no application how a re-INVITE ended. Its capture module sends a copy of each SIP message, with its
Call-ID; this module finds the re-INVITEs that name the port of the fan-out, and their final answers.
"""

import re
import struct
from collections import OrderedDict
from dataclasses import dataclass

MAGIC = b"HEP3"
_CHUNK = struct.Struct("!HHH")
PAYLOAD, PASSWORD, CORRELATION = 0x000F, 0x000E, 0x0011
_BRANCH = re.compile(rb"^(?:via|v)[ \t]*:.*?;[ \t]*branch=([^;,\s]+)", re.IGNORECASE | re.MULTILINE)
_CSEQ_INVITE = re.compile(rb"^cseq[ \t]*:[ \t]*\d+[ \t]+INVITE\s*$", re.IGNORECASE | re.MULTILINE)
MOST_REMEMBERED = 20_000


@dataclass(frozen=True)
class Captured:
    """One SIP message, and its Call-ID."""

    call_id: str
    message: bytes


def read(data: bytes, password: bytes) -> Captured | None:
    """Return the message of a capture packet; None if it is malformed, or has another password or no Call-ID."""
    if not data.startswith(MAGIC) or len(data) < 6 or int.from_bytes(data[4:6], "big") != len(data):
        return None
    found: dict[int, bytes] = {}
    at = 6
    while at + _CHUNK.size <= len(data):
        vendor, kind, length = _CHUNK.unpack_from(data, at)
        if length < _CHUNK.size or at + length > len(data):
            return None
        if vendor == 0:
            found[kind] = data[at + _CHUNK.size : at + length]
        at += length
    if found.get(PASSWORD, b"") != password or CORRELATION not in found or PAYLOAD not in found:
        return None
    return Captured(found[CORRELATION].decode("utf-8", "replace"), found[PAYLOAD])


class Agreements:
    """The answers to re-INVITEs that name `port` as the address of the sound, by Call-ID."""

    def __init__(self, port: int) -> None:
        self._offers = re.compile(rb"^m=audio %d " % port, re.MULTILINE)
        self._asked: OrderedDict[str, bytes] = OrderedDict()
        """The branch of the last such request of each call."""
        self._answers: dict[str, int] = {}

    def take(self, captured: Captured) -> bool:
        """Take a message; return whether there is a new final answer in its call."""
        message, call_id = captured.message, captured.call_id
        if message.startswith(b"INVITE "):
            if (branch := _BRANCH.search(message)) and self._offers.search(message):
                self.forget(call_id)
                self._asked[call_id] = branch[1]
                if len(self._asked) > MOST_REMEMBERED:
                    self._answers.pop(self._asked.popitem(last=False)[0], None)
            return False
        if not message.startswith(b"SIP/2.0 ") or call_id not in self._asked or not _CSEQ_INVITE.search(message):
            return False
        branch = _BRANCH.search(message)
        status = message[8:11]
        if branch is None or branch[1] != self._asked[call_id] or not status.isdigit() or int(status) < 200:
            return False
        self._answers[call_id] = int(status)
        return True

    def answer(self, call_id: str) -> int | None:
        """Return the status with which the speaker of a call has answered, or None as long as it has not."""
        return self._answers.get(call_id)

    def request(self, call_id: str) -> bytes | None:
        """Return the branch of the last re-INVITE to the speaker of a call that names the fan-out."""
        return self._asked.get(call_id)

    def forget(self, call_id: str) -> None:
        """Forget a call."""
        self._asked.pop(call_id, None)
        self._answers.pop(call_id, None)
