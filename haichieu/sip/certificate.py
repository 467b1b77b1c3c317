"""Certificate of the station's SIP server over TLS: from the settings, or self-signed and stored in the home.

Devices trust a self-signed certificate by its fingerprint, so it is made once and valid for many years.
"""

import datetime
import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from haichieu.errors import EnvironmentProblem
from haichieu.settings import EVERYWHERE, Settings
from haichieu.vault import station_secret

if TYPE_CHECKING:
    from cryptography import x509

NAME = "sip-tls.pem"
VALID_YEARS = 20
RENEW_WITHIN = datetime.timedelta(days=30)
_KEY_BITS = 2048
"""RSA, because many loudspeakers and phones know no other kind."""


class CertificateNotUsable(EnvironmentProblem):
    """A file of the settings cannot be read, or contains no certificate."""


@dataclass(frozen=True)
class CertificateFiles:
    """PEM files of the certificate and its private key; one file may contain both."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class CertificateFacts:
    """SHA-256 fingerprint of the certificate as hexadecimal pairs, and the end of its validity."""

    fingerprint: str
    valid_until: datetime.datetime

    def ends_soon(self, at: datetime.datetime) -> bool:
        """Return whether it must be renewed now, or has ended."""
        return self.valid_until - at < RENEW_WITHIN


def certificate_files(settings: Settings) -> CertificateFiles:
    """Return the files for Asterisk; a self-signed certificate is made on first use. Raises CertificateNotUsable."""
    if settings.sip_tls_certificate is None or settings.sip_tls_key is None:
        home = settings.home.absolute()
        station_secret(home, NAME, lambda: _self_signed(settings))
        return CertificateFiles(home / "secrets" / NAME, home / "secrets" / NAME)
    files = CertificateFiles(settings.sip_tls_certificate.absolute(), settings.sip_tls_key.absolute())
    for file in (files.certificate, files.key):
        _read(file)
    return files


def certificate_facts(settings: Settings) -> CertificateFacts:
    """Return what an installer compares with the device. Raises CertificateNotUsable."""
    from cryptography import x509  # slow to import, and rarely needed here

    file = certificate_files(settings).certificate
    try:
        certificate = x509.load_pem_x509_certificates(_read(file))[0]
    except ValueError as problem:
        raise CertificateNotUsable("sip.certificate.not_pem", file=file) from problem
    return CertificateFacts(fingerprint_of(certificate), certificate.not_valid_after_utc)


def fingerprint_of(certificate: "x509.Certificate") -> str:
    """Return the SHA-256 fingerprint as OpenSSL and loudspeakers show it: upper-case pairs with colons."""
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        why = problem.strerror or str(problem)
        raise CertificateNotUsable("sip.certificate.not_read", file=file, why=why) from problem


def _self_signed(settings: Settings) -> bytes:
    """Return a new key and its certificate for the names and addresses by which devices may reach the station."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = rsa.generate_private_key(65537, _KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hai Chieu")])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())  # distinguishes those of several stations
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin.replace(day=1, year=begin.year + VALID_YEARS))
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in _hosts(settings)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identity, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identity), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain
    ) + certificate.public_bytes(serialization.Encoding.PEM)


def _hosts(settings: Settings) -> list[str]:
    hosts = [settings.external_address, settings.bind, socket.gethostname()]
    return list(dict.fromkeys(host for host in hosts if host and host != EVERYWHERE))


def _general_name(host: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
