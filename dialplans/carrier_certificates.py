"""Certificates of carriers over TLS: the authorities that Asterisk trusts, and why it does not trust a carrier.

Asterisk has one list for all carriers and reads it at each connection, so a change needs no restart.
"""

import socket
import ssl
from collections.abc import Iterable
from pathlib import Path

from haichieu.settings import Settings
from haichieu.sip.certificate import certificate_files

AUTHORITIES = "carrier_authorities.pem"
TLS_PORT = 5061
SECONDS = 5.0
OTHER = "other"
_LISTS = (
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)  # fmt: skip
"""The system's list, where Python's own OpenSSL does not name it."""
_WHY = {10: "expired", 62: "name", 64: "name", 18: "authority", 19: "authority", 20: "authority", 21: "authority"}
"""OpenSSL's X509_V_ERR_ codes, by the part of the message that explains them."""


def authorities_file(home: Path) -> Path:
    """Return the file that Asterisk reads."""
    return home.absolute() / "etc" / AUTHORITIES


def authorities(settings: Settings, of_trunks: Iterable[str] = ()) -> str:
    """Return the certificates of the authorities: the system's, and those that trunks bring with them, as PEM."""
    found = [*_of_system(), *sorted({pem.strip() + "\n" for pem in of_trunks})]
    # Asterisk opens no TLS port with an empty list; our own certificate proves nothing about a carrier.
    return "".join(found) or certificate_files(settings).certificate.read_text("utf-8")


def _of_system() -> list[str]:
    places = (ssl.get_default_verify_paths().cafile, *_LISTS)
    file = next((place for place in places if place and Path(place).is_file()), None)
    if file is None:
        return []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(file)
    return [ssl.DER_cert_to_PEM_cert(one) for one in sorted(context.get_ca_certs(binary_form=True))]


def why_untrusted(host: str, port: int, name: str, file: Path) -> str:
    """Connect over TLS and return why the certificate is not trusted; empty if it is, or if nothing answers.

    The result is the end of a message's key: `expired`, `name`, `authority` or `other`. Blocks for SECONDS at most
    for each step.
    """
    try:
        context = ssl.create_default_context(cafile=str(file))
        with (
            socket.create_connection((host, port), SECONDS) as connection,
            context.wrap_socket(connection, server_hostname=name),
        ):
            return ""
    except ssl.SSLCertVerificationError as problem:
        return _WHY.get(problem.verify_code, OTHER)
    except OSError:
        return ""
