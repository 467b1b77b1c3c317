"""Certificates as an authority issues them to servers."""

import datetime
import ipaddress
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from haichieu.database import now

DAY = datetime.timedelta(days=1)
_AUTHORITY = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])


@cache
def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_AUTHORITY, key, now() + DAY).add_extension(x509.BasicConstraints(True, None), critical=True)
    return key, builder.sign(key, hashes.SHA256())


def authority() -> str:
    """Return the certificate of the authority as PEM."""
    return _pem(_authority()[1])


def server_certificate(name: str, *, valid_until: datetime.datetime | None = None) -> str:
    """Return a certificate for a host name or an address and its private key, as one PEM."""
    key, (signer, _) = ec.generate_private_key(ec.SECP256R1()), _authority()
    names = [x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A server")])
    builder = _builder(subject, key, valid_until or now() + DAY)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(encoding, form, serialization.NoEncryption()).decode()
    return _pem(builder.sign(signer, hashes.SHA256())) + private


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, valid_until: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(_AUTHORITY)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid_until - 2 * DAY)
        .not_valid_after(valid_until)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
