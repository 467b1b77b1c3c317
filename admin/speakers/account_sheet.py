"""SIP account of a speaker for the installer: text and QR code."""

import io
import secrets
from dataclasses import dataclass
from urllib.parse import quote

import segno
from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker
from haichieu import audit
from haichieu.errors import UsageError
from haichieu.settings import EVERYWHERE, Settings
from haichieu.sip.certificate import certificate_facts
from haichieu.vault import Vault

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without letters that look alike on paper."""
LENGTH = 16


@dataclass(frozen=True)
class AccountSheet:
    """Server, name and password of the account, and how it recognises the server."""

    server: str
    name: str
    password: str
    fingerprint: str = ""
    """Of the server's certificate, for an account that demands encryption."""

    @property
    def uri(self) -> str:
        """The account as one SIP address (RFC 3261 §19.1)."""
        transport = "tls" if self.fingerprint else "udp"
        return f"sip:{quote(self.name)}:{quote(self.password, safe='')}@{self.server};transport={transport}"

    @property
    def command(self) -> str:
        """The command that starts the software loudspeaker; the password is entered by hand."""
        tls = f" --tls --fingerprint {self.fingerprint}" if self.fingerprint else ""
        return f"haichieu speaker --server {self.server}{tls} --id {self.name} --password …"

    @property
    def image(self) -> str:
        """The address as a QR code in SVG."""
        out = io.BytesIO()
        segno.make(self.uri, error="m").save(out, kind="svg", omitsize=True, border=2, xmldecl=False, light="#fff")
        return out.getvalue().decode()


def new_password() -> str:
    """Return a password that is easy to type on a loudspeaker."""
    return "".join(secrets.choice(_LETTERS) for _ in range(LENGTH))


def account_sheet(
    session: Session, vault: Vault, settings: Settings, speaker: Speaker, panel_host: str, who: str
) -> AccountSheet:
    """Return a speaker's account and record it in the audit trail.

    Raises UsageError for a multicast group, CertificateNotUsable for a speaker that demands encryption.
    """
    if not speaker.password_locked or speaker.removed_at is not None:
        raise UsageError("panel.speakers.no_account")
    fingerprint = certificate_facts(settings).fingerprint if speaker.encrypted else ""
    audit.record(session, who, "speaker.account_shown", f"speaker:{speaker.code}")
    port = settings.sip_tls_port if speaker.encrypted else settings.sip_port
    password = vault.unlock(speaker.password_locked)
    return AccountSheet(f"{_host(settings, panel_host)}:{port}", speaker.code, password, fingerprint)


def _host(settings: Settings, panel_host: str) -> str:
    """Return the station's host for speakers: from the settings, else the host of the panel."""
    if settings.external_address:
        return settings.external_address
    return panel_host if settings.bind == EVERYWHERE else settings.bind
