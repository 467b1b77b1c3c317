"""A push service and a browser as the other side knows them: what arrives is checked and decrypted independently."""

import base64
import contextlib
import hmac
import json
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from admin.notices.push_service import Answer, post_with


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base64_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


class SubscribedBrowser:
    """The receiving end of RFC 8291, written from §3.4 and RFC 8188 §2.2 with HMAC alone."""

    def __init__(self, private: ec.EllipticCurvePrivateKey | None = None, secret: bytes = b"0123456789abcdef") -> None:
        self.private = private or ec.generate_private_key(ec.SECP256R1())
        self.secret = secret

    @property
    def point(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": base64_of(self.point), "auth": base64_of(self.secret)}

    def decrypt(self, body: bytes) -> bytes:
        """Return the text of a push. Raises for anything that is not one whole record."""
        salt, (size, length) = body[:16], struct.unpack("!LB", body[16:21])
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(sealed) <= size
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        info = b"WebPush: info\0" + self.point + sender
        keying = _hmac(_hmac(self.secret, shared), info + b"\1")
        pseudo = _hmac(salt, keying)
        key = _hmac(pseudo, b"Content-Encoding: aes128gcm\0\1")[:16]
        nonce = _hmac(pseudo, b"Content-Encoding: nonce\0\1")[:12]
        text = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
        assert text.endswith(b"\2")
        return text[:-1]


def verified_claims(authorization: str, public_key: str) -> dict[str, object]:
    """Return the claims of a VAPID header (RFC 8292 §3) that this key has signed."""
    scheme, _, rest = authorization.partition(" ")
    assert scheme == "vapid"
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert fields["k"] == public_key
    header, claims, signature = fields["t"].split(".")
    assert json.loads(unbase64(header)) == {"typ": "JWT", "alg": "ES256"}
    raw = unbase64(signature)
    assert len(raw) == 64
    signer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unbase64(public_key))
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    signer.verify(der, f"{header}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    return dict(json.loads(unbase64(claims)))


@dataclass
class LocalPushService:
    """A push service on this machine; `answers` are the next states, 201 when there are no more."""

    address: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def post(self, endpoint: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send a push over plain HTTP to this machine, as no station may."""
        async with aiohttp.ClientSession() as client:
            return await post_with(client, endpoint, headers, body)

    async def _take(self, request: web.Request) -> web.Response:
        self.received.append((dict(request.headers), await request.read()))
        state = self.answers.pop(0) if self.answers else 201
        return web.Response(status=state, headers={"Retry-After": "90"} if state == 429 else {})


@contextlib.asynccontextmanager
async def local_push_service() -> AsyncIterator[LocalPushService]:
    """Serve one."""
    service = LocalPushService()
    app = web.Application()
    app.router.add_post("/{rest:.*}", service._take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        service.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield service
    finally:
        await runner.cleanup()
