"""Trust of a SIP client in its server over TLS: by the fingerprint of its certificate, or by a file of authorities."""

import hashlib
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from haichieu.errors import UsageError

_PAIRS = 32


class BadTrust(UsageError):
    """The fingerprint is not one, the file is not there, or neither or both were given."""


@dataclass(frozen=True)
class ServerTrust:
    """The expected certificate's SHA-256 `fingerprint` (hexadecimal pairs with colons), or the `authorities` file."""

    fingerprint: str = ""
    authorities: Path | None = None

    @classmethod
    def of(cls, fingerprint: str, authorities: Path | None) -> "ServerTrust":
        """Take one of the two as typed. Raises BadTrust."""
        if bool(fingerprint) == bool(authorities):
            raise BadTrust("sip.trust.one_of")
        if authorities is not None:
            if not authorities.is_file():
                raise BadTrust("sip.trust.no_file", file=authorities)
            return cls(authorities=authorities)
        digits = re.sub(r"[:\s]", "", fingerprint).upper()
        if not re.fullmatch(rf"[0-9A-F]{{{2 * _PAIRS}}}", digits):
            raise BadTrust("sip.trust.bad_fingerprint", fingerprint=fingerprint)
        return cls(":".join(digits[at : at + 2] for at in range(0, 2 * _PAIRS, 2)))

    def accepts(self, fingerprint: str) -> bool:
        """Return whether a certificate is the expected one; with authorities the library decides."""
        return not self.fingerprint or fingerprint == self.fingerprint


def fingerprint_of_pem(certificate: str) -> str:
    """Return the SHA-256 fingerprint of a PEM certificate, empty when the text is none."""
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.strip())).digest().hex(":").upper()
    except ValueError:
        return ""
