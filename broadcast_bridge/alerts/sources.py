"""Configuration of alert sources, validated when an administrator saves it."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.cap import NAMESPACE
from broadcast_bridge.alerts.cap_reader import alert_element
from broadcast_bridge.alerts.errors import NoSuchSource
from broadcast_bridge.alerts.models import AlertSource
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Zone
from haichieu import audit
from haichieu.errors import UsageError
from haichieu.vault import Vault

SHORTEST_SECRET = 16
LEAST_RSA_BITS = 2048
LEAST_FEED_SECONDS = 15


class SourceWrong(UsageError):
    """The configuration of the source cannot work, or cannot be trusted."""


@dataclass(frozen=True)
class SourceSettings:
    """The settings of a source as an administrator gives them; certificate and key are PEM, `secret` is in clear."""

    code: str
    name: str
    senders: Sequence[str]
    secret: str = ""
    certificate: str = ""
    public_key: str = ""
    feed_url: str = ""
    feed_seconds: int = 60
    silent_minutes: int = 60
    highest_priority: Priority = Priority.EMERGENCY
    speaks_exercises: bool = False
    enabled: bool = True
    zones: Sequence[Zone] = ()


def configure_source(
    session: Session, vault: Vault, wanted: SourceSettings, actor: str, at: datetime.datetime
) -> AlertSource:
    """Add a source, or change the one with this code. Raises SourceWrong, and then nothing has changed."""
    require_that_it_can_work(wanted)
    source = session.scalar(sa.select(AlertSource).where(AlertSource.code == wanted.code))
    if source is None:
        source = AlertSource(code=wanted.code)
        session.add(source)
    for name, value in columns_of_source(source, wanted, vault, at).items():
        setattr(source, name, value)
    session.flush()
    audit.record(
        session,
        actor,
        "alert-source.configure",
        f"alert-source:{source.code}",
        senders=" ".join(source.senders),
        highest_priority=str(wanted.highest_priority),
        enabled=wanted.enabled,
    )
    return source


def columns_of_source(
    source: AlertSource, wanted: SourceSettings, vault: Vault, at: datetime.datetime
) -> dict[str, object]:
    """Return the columns of a source with these settings; an unchanged secret keeps its ciphertext."""
    columns: dict[str, object] = {}
    if source.feed_url != wanted.feed_url or not source.enabled:
        # Silence is counted from now, and the headers of another address are not valid here.
        columns |= dict.fromkeys(("feed_since", "next_poll_at"), at)
        columns |= {"last_ok_at": None, "failures": 0, "last_problem": None}
        columns |= {"feed_etag": "", "feed_modified": "", "feed_seen": []}
    kept = bool(source.secret_locked) and vault.try_unlock(source.secret_locked) == wanted.secret
    return columns | {
        "name": wanted.name,
        "senders": list(wanted.senders),
        "secret_locked": source.secret_locked if kept else vault.lock(wanted.secret) if wanted.secret else "",
        "certificate": wanted.certificate,
        "public_key": wanted.public_key,
        "feed_url": wanted.feed_url,
        "feed_seconds": wanted.feed_seconds,
        "silent_minutes": wanted.silent_minutes,
        "highest_priority": wanted.highest_priority,
        "speaks_exercises": wanted.speaks_exercises,
        "enabled": wanted.enabled,
        "zones": sorted(wanted.zones, key=lambda zone: zone.code),
    }


def sends(source: AlertSource, sender: str) -> bool:
    """Return whether a CAP `sender` belongs to the source; case does not matter, as in addresses and host names."""
    return any(fnmatchcase(sender.casefold(), pattern.casefold()) for pattern in source.senders)


def source_claimed_by(session: Session, received: bytes) -> AlertSource:
    """Return the enabled source that an alert claims to come from; its proof is not checked yet.

    Raises NoSuchSource or NotReadable.
    """
    sender = (alert_element(received).findtext(f"{{{NAMESPACE}}}sender") or "").strip()
    sources = session.scalars(sa.select(AlertSource).where(AlertSource.enabled).order_by(AlertSource.id))
    for source in sources:
        if sends(source, sender):
            return source
    raise NoSuchSource("alert.source.unknown", sender=sender[:80])


def require_that_it_can_work(wanted: SourceSettings) -> None:
    """Raise SourceWrong for settings that cannot work, or cannot be trusted."""
    if not wanted.code or not wanted.senders or not all(pattern.strip("*?") for pattern in wanted.senders):
        raise SourceWrong("alert.source.code_and_senders")
    if not (wanted.secret or wanted.certificate or wanted.public_key or wanted.feed_url):
        raise SourceWrong("alert.source.no_proof", source=wanted.code)
    if wanted.secret and len(wanted.secret) < SHORTEST_SECRET:
        raise SourceWrong("alert.source.short_secret", least=SHORTEST_SECRET)
    if wanted.certificate:
        _require_certificate(wanted.certificate)
    if wanted.public_key:
        _require_ed25519(wanted.public_key)
    _require_feed(wanted)


def _require_certificate(pem: str) -> None:
    try:
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    except ValueError as problem:
        raise SourceWrong("alert.source.certificate", problem=str(problem)) from problem
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA_BITS:
        return
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SourceWrong("alert.source.weak_key", bits=LEAST_RSA_BITS)


def _require_ed25519(pem: str) -> None:
    try:
        fits = isinstance(load_pem_public_key(pem.encode()), Ed25519PublicKey)
    except ValueError:
        fits = False
    if not fits:
        raise SourceWrong("alert.source.not_ed25519")


def _require_feed(wanted: SourceSettings) -> None:
    if not wanted.feed_url:
        return
    address = urlsplit(wanted.feed_url)
    if address.scheme not in ("http", "https") or not address.hostname or address.username:
        raise SourceWrong("alert.source.feed_url", url=wanted.feed_url)
    if address.scheme == "http" and not wanted.certificate:
        raise SourceWrong("alert.source.http_needs_certificate")
    if wanted.feed_seconds < LEAST_FEED_SECONDS or wanted.silent_minutes < 1:
        raise SourceWrong("alert.source.feed_seconds", least=LEAST_FEED_SECONDS)
