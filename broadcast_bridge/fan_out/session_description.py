"""Session descriptions (RFC 4566) as Asterisk and the fan-out exchange them: one stream of sound, one codec."""

import ipaddress
from dataclasses import dataclass

from broadcast_bridge.fan_out.rtp import CLOCK_RATE, NAMES, PAYLOAD_TYPES

Address = tuple[str, int]
SENDS_TO_US = frozenset({"sendonly", "inactive"})
"""Directions in which the other side wants nothing from us (RFC 3264 §5.1)."""


@dataclass(frozen=True)
class Description:
    """Where the other side wants its sound, its payload types, and whether it wants any."""

    address: Address
    payload_types: tuple[int, ...]
    wants_sound: bool

    @property
    def codec(self) -> str | None:
        """The first codec of ours that it names."""
        ours = {number: name for name, number in PAYLOAD_TYPES.items()}
        return next((ours[number] for number in self.payload_types if number in ours), None)


def read(body: str) -> Description | None:
    """Return the first stream of sound in a description, or None if there is none that we can send to."""
    session_host = media_host = ""
    session_direction = direction = ""
    port, kinds = 0, tuple[int, ...]()
    in_audio, before_media = False, True
    for line in body.splitlines():
        kind, _, value = line.strip().partition("=")
        if kind == "m":
            if in_audio:
                break
            before_media = False
            in_audio = value.startswith("audio ")
            if in_audio:
                port, kinds = _media(value)
        elif kind == "c" and (before_media or in_audio):
            host = _host(value)
            session_host, media_host = (host, media_host) if before_media else (session_host, host)
        elif kind == "a" and value in ("sendrecv", "sendonly", "recvonly", "inactive"):
            if before_media:
                session_direction = value
            elif in_audio:
                direction = value
    host = media_host or session_host
    if not (host and port and kinds):
        return None
    wants = (direction or session_direction) not in SENDS_TO_US and host != "0.0.0.0"  # noqa: S104 (RFC 2543 hold)
    return Description((host, port), kinds, wants)


def _media(value: str) -> tuple[int, tuple[int, ...]]:
    words = value.split()
    if len(words) < 4 or words[2] != "RTP/AVP" or not words[1].isdigit() or int(words[1]) > 65535:
        return 0, ()
    return int(words[1]), tuple(int(word) for word in words[3:] if word.isdigit())


def _host(value: str) -> str:
    words = value.split()
    if len(words) != 3 or words[:2] != ["IN", "IP4"]:
        return ""
    try:
        return str(ipaddress.IPv4Address(words[2]))
    except ValueError:
        return ""


def write(address: Address, codec: str, version: int) -> str:
    """Return our description: a codec at an address; `version` grows with each change."""
    host, port = address
    number = PAYLOAD_TYPES[codec]
    lines = (
        "v=0", f"o=- 1 {version} IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0",
        f"m=audio {port} RTP/AVP {number}", f"a=rtpmap:{number} {NAMES[codec]}/{CLOCK_RATE}", "a=ptime:20",
        "a=sendrecv",
    )  # fmt: skip
    return "".join(f"{line}\r\n" for line in lines)
