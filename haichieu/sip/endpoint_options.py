"""Options of a SIP endpoint, independent of the SIP library."""

from dataclasses import dataclass, field

from haichieu.sip.address import SocketAddress
from haichieu.sip.server_trust import ServerTrust

DIGIT_SECONDS = 0.24
"""Duration of one RFC 4733 digit; pjsua2 offers no other."""

CODECS = {"alaw": "PCMA/8000", "ulaw": "PCMU/8000", "g722": "G722/16000"}
G711 = ("alaw", "ulaw")


@dataclass(frozen=True)
class EndpointOptions:
    """Identity and addresses of an endpoint.

    `bind` is the local IPv4 address for SIP and RTP, `port` the port of SIP (0: any). With `trust`, SIP uses TLS to a
    server with that certificate, and sound is encrypted (SRTP); otherwise UDP and RTP. `codecs` are names of
    CODECS, best first. `contact_token` is part of the Contact URI and distinguishes calls through our registrar from
    calls sent directly to our port. With `only_from`, the library receives SIP from that address only, since it aborts
    beyond 30 calls in half a second, and RTP only from the address in the call's SDP.
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
    trust: ServerTrust | None = None

    @property
    def uri_parameters(self) -> str:
        """Parameters of the server's URI that choose the transport (RFC 3261 §19.1.1)."""
        return "" if self.trust is None else ";transport=tls"
