"""SIP account of a speaker or a phone for the installer: text and QR code."""

import re
import secrets
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote

from markupsafe import Markup
from sqlalchemy.orm import Session

from admin.entries.qr_codes import qr_code
from broadcast_bridge.models import Speaker
from haichieu import audit
from haichieu.errors import UsageError
from haichieu.locale import Message, message
from haichieu.settings import EVERYWHERE, Settings
from haichieu.sip.certificate import certificate_facts
from haichieu.sip.models import Phone
from haichieu.vault import Vault

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without letters that look alike on paper."""
LENGTH = 16
_PORT_ALONE = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[^:\s]+):[0-9]+")
"""A host with one port; the address in the settings may have come with another."""


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
    def image(self) -> Markup:
        """The address as a QR code."""
        return qr_code(self.uri)

    @property
    def warning(self) -> Message | None:
        """Why no device can reach the server at this address; None when it may."""
        if not _PORT_ALONE.fullmatch(self.server):
            return message("panel.speakers.warn_port", server=self.server)
        host = self.server.rpartition(":")[0]
        try:
            address = ip_address(host.strip("[]"))
        except ValueError:
            is_own = host == "localhost" or host.endswith(".localhost")
        else:
            is_own = address.is_loopback or address.is_unspecified or address.is_link_local
        return message("panel.speakers.warn_address", host=host) if is_own else None


def new_password() -> str:
    """Return a password that is easy to type on a loudspeaker."""
    return "".join(secrets.choice(_LETTERS) for _ in range(LENGTH))


def account_sheet(
    session: Session, vault: Vault, settings: Settings, device: Speaker | Phone, panel_host: str, who: str
) -> AccountSheet:
    """Return the account of a speaker or a phone and record it in the audit trail.

    Raises UsageError for a multicast group, CertificateNotUsable for an account that demands encryption.
    """
    if not device.password_locked or (isinstance(device, Speaker) and device.removed_at is not None):
        raise UsageError("panel.speakers.no_account")
    fingerprint = certificate_facts(settings).fingerprint if device.encrypted else ""
    kind = "speaker" if isinstance(device, Speaker) else "phone"
    audit.record(session, who, f"{kind}.account_shown", f"{kind}:{device.code}")
    port = settings.sip_tls_port if device.encrypted else settings.sip_port
    password = vault.unlock(device.password_locked)
    return AccountSheet(f"{_host(settings, panel_host)}:{port}", device.code, password, fingerprint)


def _host(settings: Settings, panel_host: str) -> str:
    """Return the station's host for speakers: from the settings, else the host of the panel."""
    if settings.external_address:
        return settings.external_address
    return panel_host if settings.bind == EVERYWHERE else settings.bind
