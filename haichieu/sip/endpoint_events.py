"""Events of a SIP endpoint as plain data, independent of the SIP library."""

import re
from dataclasses import dataclass, field

from haichieu.sip.address import SocketAddress
from haichieu.sip.uri import user_of


@dataclass(frozen=True)
class Invite:
    """An incoming INVITE: source address, dialled user and claimed caller."""

    source: SocketAddress
    request_uri: str
    from_uri: str
    headers: dict[str, str] = field(default_factory=dict)
    """Header fields by lower-case name; of repeated ones the first."""

    @property
    def dialled(self) -> str:
        """User part of the request URI: the number or account that was called."""
        return user_of(self.request_uri)

    @property
    def caller(self) -> str:
        """User part of From, as the caller claims."""
        return user_of(self.from_uri)

    @classmethod
    def read(cls, message: str, source: SocketAddress) -> "Invite":
        """Take the parts we use out of a whole SIP message that pjsip has already accepted."""
        head = message.replace("\r\n", "\n").partition("\n\n")[0]
        lines = re.sub(r"\n[ \t]+", " ", head).split("\n")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        parts = lines[0].split(" ")
        return cls(
            source=source,
            request_uri=parts[1] if len(parts) > 1 else "",
            from_uri=headers.get("from", headers.get("f", "")),
            headers=headers,
        )


@dataclass(frozen=True)
class Registered:
    """The server knows where we are, for `expires` seconds."""

    expires: int


@dataclass(frozen=True)
class Unregistered:
    """The server has forgotten us, as we asked."""


@dataclass(frozen=True)
class RegistrationFailed:
    """The server refused (`code` 401, 403, 404 …) or did not answer (408, 503)."""

    code: int
    reason: str


@dataclass(frozen=True)
class ServerNotTrusted:
    """The certificate of the server is not the expected one, and nothing was sent; a RegistrationFailed follows."""

    fingerprint: str


@dataclass(frozen=True)
class ConnectionLost:
    """The TLS connection to the server is gone: it cannot reach us until we register again."""


@dataclass(frozen=True)
class Incoming:
    """A call comes in; it waits to be answered or refused."""

    call: int
    invite: Invite


@dataclass(frozen=True)
class Ringing:
    """The other side of our call rings (18x)."""

    call: int
    code: int


@dataclass(frozen=True)
class Answered:
    """The call is answered, with two-way audio from now on."""

    call: int


@dataclass(frozen=True)
class DigitHeard:
    """The other side pressed a key (RFC 4733)."""

    call: int
    digit: str


@dataclass(frozen=True)
class Ended:
    """The call is over: `code` is the last SIP status (200 after a hang-up), `seconds` the time it was up."""

    call: int
    code: int
    reason: str
    seconds: float


@dataclass(frozen=True)
class TextReceived:
    """A text arrived (MESSAGE, RFC 3428): claimed sender, addressed user and text."""

    sender: str
    to: str
    text: str


@dataclass(frozen=True)
class TextAnswered:
    """The other side took our text (2xx), or did not."""

    code: int
    reason: str


Calling = Incoming | Ringing | Answered | DigitHeard | Ended
Registration = Registered | Unregistered | RegistrationFailed | ServerNotTrusted | ConnectionLost
SipEvent = Registration | Calling | TextReceived | TextAnswered
