"""CAP alerts in Vietnamese, keys to sign them with, and sources that send them."""

import base64
import datetime
import hashlib
import hmac
from typing import Any
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from lxml import etree
from signxml.algorithms import SignatureConstructionMethod
from signxml.signer import XMLSigner
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.authenticity import SharedSecret
from broadcast_bridge.alerts.cap import NAMESPACE
from broadcast_bridge.alerts.geography import name_unit
from broadcast_bridge.alerts.models import AlertSource
from broadcast_bridge.alerts.sources import SourceSettings, configure_source
from haichieu.vault import Vault
from tests.builders.places import Commune, commune

NOW = datetime.datetime(2026, 11, 24, 5, 30, tzinfo=datetime.UTC)
SENDER = "kttv@caobang.example"
SECRET = "nước lũ dâng cao đêm nay"
VAULT = Vault(Fernet.generate_key())
HANOI = datetime.timezone(datetime.timedelta(hours=7))
FIRST_CODE = "01285"

Extra = dict[str, str]


def stamp(moment: datetime.datetime) -> str:
    """A moment as CAP writes it."""
    return moment.astimezone(HANOI).isoformat(timespec="seconds")


def minutes(count: float, since: datetime.datetime = NOW) -> datetime.datetime:
    return since + datetime.timedelta(minutes=count)


def reference(identifier: str, sent: datetime.datetime = NOW, sender: str = SENDER) -> str:
    return f"{sender},{identifier},{stamp(sent)}"


def area(code: str = FIRST_CODE, description: str = "Xã Cô Ba", inside: str = "") -> str:
    geocode = f"<geocode><valueName>VN-DVHC</valueName><value>{code}</value></geocode>" if code else ""
    return f"<area><areaDesc>{escape(description)}</areaDesc>{inside}{geocode}</area>"


def info(
    language: str = "vi-VN",
    event: str = "Lũ quét",
    urgency: str = "Immediate",
    severity: str = "Extreme",
    certainty: str = "Likely",
    expires: datetime.datetime | None = None,
    effective: datetime.datetime | None = None,
    headline: str = "Lũ quét trên sông Gâm",
    description: str = "Nước sông đang dâng rất nhanh.",
    instruction: str = "Bà con hãy lên nơi cao ngay.",
    areas: str | None = None,
) -> str:
    return f"""
  <info>
    <language>{language}</language>
    <category>Met</category>
    <event>{escape(event)}</event>
    <urgency>{urgency}</urgency>
    <severity>{severity}</severity>
    <certainty>{certainty}</certainty>
    {f"<effective>{stamp(effective)}</effective>" if effective else ""}
    <expires>{stamp(expires or minutes(120))}</expires>
    <senderName>Đài Khí tượng Thủy văn Cao Bằng</senderName>
    <headline>{escape(headline)}</headline>
    <description>{escape(description)}</description>
    <instruction>{escape(instruction)}</instruction>
    {area() if areas is None else areas}
  </info>"""


def alert(
    identifier: str = "CB-2026-001",
    sent: datetime.datetime = NOW,
    kind: str = "Alert",
    status: str = "Actual",
    scope: str = "Public",
    references: str = "",
    infos: str | None = None,
    sender: str = SENDER,
) -> bytes:
    """One alert as bytes."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="{NAMESPACE}">
  <identifier>{identifier}</identifier>
  <sender>{sender}</sender>
  <sent>{stamp(sent)}</sent>
  <status>{status}</status>
  <msgType>{kind}</msgType>
  <scope>{scope}</scope>
  {f"<references>{references}</references>" if references else ""}
  {info() if infos is None else infos}
</alert>
""".encode()


def cancel(identifier: str, of: str, sent: datetime.datetime = NOW, infos: str = "") -> bytes:
    return alert(identifier, sent, "Cancel", references=of, infos=infos)


def update(identifier: str, of: str, sent: datetime.datetime = NOW, infos: str | None = None) -> bytes:
    return alert(identifier, sent, "Update", references=of, infos=infos)


class Signer:
    """An ECDSA key with a certificate of its own."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "KTTV Cao Bằng")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(minutes(-1000))
            .not_valid_after(minutes(1000))
            .sign(self.key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, document: bytes) -> bytes:
        """Return the alert with an enveloped signature."""
        signer = XMLSigner(
            method=SignatureConstructionMethod.enveloped,
            signature_algorithm="ecdsa-sha256",
            digest_algorithm="sha256",
            c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
        )
        signed = signer.sign(etree.fromstring(document), key=self.key, cert=self.certificate)
        return bytes(etree.tostring(signed, encoding="UTF-8", xml_declaration=True))


def with_secret(document: bytes, secret: str = SECRET) -> SharedSecret:
    """The proof that goes beside an alert."""
    return SharedSecret(hmac.new(secret.encode(), document, hashlib.sha256).hexdigest(), VAULT)


def ed25519_pair() -> tuple[ed25519.Ed25519PrivateKey, str]:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key, pem.decode()


def beside(key: ed25519.Ed25519PrivateKey, document: bytes) -> str:
    return base64.b64encode(key.sign(document)).decode()


def source(session: Session, code: str = "kttv", **settings: Any) -> AlertSource:
    """Add a source that proves itself by the shared secret unless told otherwise."""
    wanted: dict[str, Any] = {"name": "Đài KTTV", "senders": [SENDER], "secret": SECRET} | settings
    return configure_source(session, VAULT, SourceSettings(code=code, **wanted), "account:admin", NOW)


def place(session: Session, code: str = "11", geocode: str = FIRST_CODE) -> Commune:
    """A commune whose official code is `geocode`."""
    made = commune(session, code=code)
    name_unit(session, made.commune, "VN-DVHC", geocode, "account:admin")
    session.flush()
    return made
