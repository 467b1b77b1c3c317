"""Encryption and signature of pushes: RFC 8291 (aes128gcm of RFC 8188) and VAPID (RFC 8292)."""

import base64
import datetime
import json
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from haichieu.errors import UsageError
from haichieu.vault import station_secret

KEY_FILE = "push.key"
RECORD_BYTES = 4096
"""The longest body that every push service accepts (RFC 8030 §7.2); a notice is far shorter."""
TOKEN_LIFE = datetime.timedelta(hours=12)
"""RFC 8292 §2 allows 24 hours; half of it bears clocks that differ."""


class UnusableKeys(UsageError):
    """The keys that a browser has sent are no point of P-256, or no secret of 16 bytes."""


@dataclass(frozen=True)
class BrowserKeys:
    """The public key and the secret of a subscription (RFC 8291 §2)."""

    public_key: ec.EllipticCurvePublicKey
    auth_secret: bytes

    @classmethod
    def read(cls, public_key: str, auth_secret: str) -> "BrowserKeys":
        """Read them as browsers give them, in base64url. Raises UnusableKeys."""
        try:
            point, secret = decoded(public_key), decoded(auth_secret)
            if len(secret) != 16 or len(point) != 65 or len(public_key) > 90 or len(auth_secret) > 30:
                raise UnusableKeys("push.unusable_keys")
            return cls(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point), secret)
        except (ValueError, UnsupportedAlgorithm) as problem:
            raise UnusableKeys("push.unusable_keys") from problem


def encrypt(
    text: bytes,
    browser: BrowserKeys,
    own_key: Callable[[], ec.EllipticCurvePrivateKey] = lambda: ec.generate_private_key(ec.SECP256R1()),
    salt: Callable[[], bytes] = lambda: os.urandom(16),
) -> bytes:
    """Return the body of a push: one record that only this browser can read."""
    own, grain = own_key(), salt()
    ours, theirs = encoded_point(own.public_key()), encoded_point(browser.public_key)
    shared = own.exchange(ec.ECDH(), browser.public_key)
    keying = _derive(browser.auth_secret, shared, b"WebPush: info\0" + theirs + ours, 32)
    key = _derive(grain, keying, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(grain, keying, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(key).encrypt(nonce, text + b"\x02", None)  # 2 ends the last record (RFC 8188 §2)
    return grain + struct.pack("!LB", RECORD_BYTES, len(ours)) + ours + sealed


@dataclass(frozen=True)
class StationKey:
    """The key that identifies this station to push services; browsers bind their subscriptions to it."""

    private: ec.EllipticCurvePrivateKey

    @property
    def public(self) -> str:
        """The public key as browsers take it: the point in base64url."""
        return encoded(encoded_point(self.private.public_key()))

    def authorization(self, endpoint: str, contact: str, at: datetime.datetime) -> str:
        """Return the header `Authorization` for a push to this endpoint (RFC 8292 §3); `contact` is an https URL."""
        where = urlsplit(endpoint)
        claims = {"aud": f"{where.scheme}://{where.netloc}", "exp": int((at + TOKEN_LIFE).timestamp())}
        if contact.startswith("https://"):
            claims["sub"] = contact
        parts = [encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (_HEADER, claims)]
        signed = ".".join(parts)
        r, s = decode_dss_signature(self.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"vapid t={signed}.{encoded(r.to_bytes(32) + s.to_bytes(32))}, k={self.public}"


_HEADER = {"typ": "JWT", "alg": "ES256"}


def station_key(home: Path) -> StationKey:
    """Return the station's key from the home, making it on first use. A copy of the home needs the same one."""
    pem = station_secret(home, KEY_FILE, _new_key)
    private = serialization.load_pem_private_key(pem, None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise UsageError("push.broken_key", file=KEY_FILE)
    return StationKey(private)


def _new_key() -> bytes:
    plain = serialization.NoEncryption()
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def encoded_point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return the uncompressed point."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def encoded(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Return the bytes of base64url, padded or not. Raises ValueError."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)


def _derive(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)
