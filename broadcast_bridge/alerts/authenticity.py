"""Authentication of alerts: enveloped signature, shared secret, detached signature, or https feed.

A proof returns the bytes that it proves, and only those are parsed. Anything wrapped around a genuine alert, or
inserted beside it, is ignored.
"""

import base64
import datetime
import hashlib
import hmac
from dataclasses import dataclass
from typing import ClassVar, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from broadcast_bridge.alerts.errors import AlertForged
from broadcast_bridge.alerts.hostile_xml import parse, parser
from broadcast_bridge.alerts.hosts import same_origin
from broadcast_bridge.alerts.models import AlertSource
from haichieu.vault import Vault

DSIG = "http://www.w3.org/2000/09/xmldsig#"
ENVELOPED = f"{DSIG}enveloped-signature"
CANONICAL = frozenset(
    {
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
    }
)
METHODS = frozenset(
    {
        *(SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512),
        *(SignatureMethod.SHA256_RSA_MGF1, SignatureMethod.SHA384_RSA_MGF1, SignatureMethod.SHA512_RSA_MGF1),
        *(SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512),
    }
)
DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})


class Proof(Protocol):
    """Evidence that came with an alert and shows its sender."""

    name: ClassVar[str]

    def proven(self, source: AlertSource, received: bytes, at: datetime.datetime) -> bytes:
        """Return the bytes that certainly come from the source. Raises AlertForged or NotReadable."""
        ...


@dataclass(frozen=True)
class EnvelopedSignature:
    """XML signature inside the alert (CAP 1.2 §3.3.4.1), made with the key of the source's certificate."""

    name: ClassVar[str] = "signature"

    def proven(self, source: AlertSource, received: bytes, at: datetime.datetime) -> bytes:
        """Return the canonical form of the signed element, which must be the whole alert."""
        if not source.certificate:
            raise AlertForged("alert.forged.no_certificate", source=source.code)
        root = parse(received, keep_comments=True)
        _require_one_signature_over_everything(root)
        expected = SignatureConfiguration(
            location="./", signature_methods=METHODS, digest_algorithms=DIGESTS, verification_time=at
        )
        try:
            verified = XMLVerifier().verify(
                root, x509_cert=source.certificate, parser=parser(keep_comments=True), expect_config=expected
            )
        # signxml does not wrap the errors that malformed parts of a signature cause.
        except (SignXMLException, etree.LxmlError, ValueError, TypeError, AttributeError, InvalidSignature) as problem:
            raise AlertForged("alert.forged.signature", problem=str(problem)[:500]) from problem
        if isinstance(verified, list) or verified.signed_xml is None or verified.signed_xml.tag != root.tag:
            raise AlertForged("alert.forged.not_whole")
        return verified.signed_data


@dataclass(frozen=True)
class SharedSecret:
    """HMAC-SHA256 (RFC 2104) of the bytes as sent, in hexadecimal, with the secret shared with the source."""

    signature: str
    vault: Vault

    name: ClassVar[str] = "shared secret"

    def proven(self, source: AlertSource, received: bytes, at: datetime.datetime) -> bytes:
        if not source.secret_locked:
            raise AlertForged("alert.forged.no_secret", source=source.code)
        expected = hmac.digest(self.vault.unlock(source.secret_locked).encode(), received, hashlib.sha256).hex()
        if not hmac.compare_digest(expected.encode(), self.signature.strip().lower().encode()):
            raise AlertForged("alert.forged.hmac")
        return received


@dataclass(frozen=True)
class DetachedSignature:
    """Ed25519 signature (RFC 8032) of the bytes as sent, in base64; only the public key is stored here."""

    signature: str

    name: ClassVar[str] = "detached signature"

    def proven(self, source: AlertSource, received: bytes, at: datetime.datetime) -> bytes:
        key = load_pem_public_key(source.public_key.encode()) if source.public_key else None
        if not isinstance(key, Ed25519PublicKey):
            raise AlertForged("alert.forged.no_key", source=source.code)
        try:
            key.verify(base64.b64decode(self.signature, validate=True), received)
        except (InvalidSignature, ValueError) as problem:
            raise AlertForged("alert.forged.ed25519") from problem
        return received


@dataclass(frozen=True)
class FetchedFrom:
    """The https address that the alert was fetched from, on the host of the source's own feed.

    TLS authenticates the host, not the author: anyone who can write on that server can speak on the loudspeakers. A
    source with a certificate must therefore sign, wherever its alerts are fetched.
    """

    url: str

    name: ClassVar[str] = "https feed"

    def proven(self, source: AlertSource, received: bytes, at: datetime.datetime) -> bytes:
        if source.certificate:
            raise AlertForged("alert.forged.must_sign", source=source.code)
        if not self.url.lower().startswith("https:") or not same_origin(self.url, source.feed_url):
            raise AlertForged("alert.forged.other_host", url=self.url)
        return received


def _require_one_signature_over_everything(root: etree._Element) -> None:
    """Reject what a signature wrapping attack needs: a second signature, a partial object, other transforms."""
    signatures = list(root.iter(f"{{{DSIG}}}Signature"))
    if not signatures:
        raise AlertForged("alert.forged.not_signed")
    if len(signatures) > 1 or signatures[0].getparent() is not root:
        raise AlertForged("alert.forged.one_signature")
    references = list(signatures[0].iter(f"{{{DSIG}}}Reference"))
    if [reference.get("URI") for reference in references] != [""]:
        raise AlertForged("alert.forged.not_whole")
    transforms = {str(transform.get("Algorithm")) for transform in signatures[0].iter(f"{{{DSIG}}}Transform")}
    if ENVELOPED not in transforms or not transforms - {ENVELOPED} <= CANONICAL:
        raise AlertForged("alert.forged.transforms")
