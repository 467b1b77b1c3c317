"""What a SIP endpoint is told at its start, free of the library that `haichieu.sip.endpoint` stands on."""

from dataclasses import dataclass, field

from haichieu.sip.address import SocketAddress

DIGIT_SECONDS = 0.24
"""What one RFC 4733 digit takes; pjsua2 offers no other duration."""

CODECS = {"alaw": "PCMA/8000", "ulaw": "PCMU/8000", "g722": "G722/16000"}
G711 = ("alaw", "ulaw")


@dataclass(frozen=True)
class EndpointOptions:
    """Who we are and where we stand.

    `bind` is the local IPv4 address for SIP and RTP, `port` the UDP port of SIP (0: any). `codecs` are names of
    CODECS, best first. `contact_token` goes into the Contact URI, so that a call which came by way of our
    registrar can be told from one that somebody sent to our port. With `only_from`, no SIP of anybody else
    reaches the library, which a flood of calls would bring down (it aborts beyond 30 in half a second), and no RTP
    but from where the call's SDP says.
    """

    user: str
    bind: str
    port: int = 0
    password: str = field(default="", repr=False)
    codecs: tuple[str, ...] = G711
    expires: int = 30
    contact_token: str = field(default="", repr=False)
    only_from: SocketAddress | None = None
    user_agent: str = "HaiChieu"
