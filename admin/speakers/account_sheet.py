"""The SIP account of a speaker as an installer needs it: as text, and as a QR code that holds the same."""

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
from haichieu.vault import Vault

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without those that are taken for one another on paper."""
LENGTH = 16


@dataclass(frozen=True)
class AccountSheet:
    """Where to register, and as whom."""

    server: str
    name: str
    password: str

    @property
    def uri(self) -> str:
        """All of it as one SIP address (RFC 3261 §19.1)."""
        return f"sip:{quote(self.name)}:{quote(self.password, safe='')}@{self.server};transport=udp"

    @property
    def command(self) -> str:
        """How the software loudspeaker is started with it; the password is put in by hand."""
        return f"haichieu speaker --server {self.server} --id {self.name} --password …"

    @property
    def image(self) -> str:
        """The address as a QR code, in SVG."""
        out = io.BytesIO()
        segno.make(self.uri, error="m").save(out, kind="svg", omitsize=True, border=2, xmldecl=False, light="#fff")
        return out.getvalue().decode()


def new_password() -> str:
    """A password for a loudspeaker that somebody will have to type."""
    return "".join(secrets.choice(_LETTERS) for _ in range(LENGTH))


def account_sheet(
    session: Session, vault: Vault, settings: Settings, speaker: Speaker, panel_host: str, who: str
) -> AccountSheet:
    """Read a speaker's account, which the audit trail remembers. Raises UsageError for a multicast group."""
    if not speaker.password_locked or speaker.removed_at is not None:
        raise UsageError("panel.speakers.no_account")
    audit.record(session, who, "speaker.account_shown", f"speaker:{speaker.code}")
    return AccountSheet(
        f"{_host(settings, panel_host)}:{settings.sip_port}", speaker.code, vault.unlock(speaker.password_locked)
    )


def _host(settings: Settings, panel_host: str) -> str:
    """Where speakers find the station: as the settings say, else where the panel itself was found."""
    if settings.external_address:
        return settings.external_address
    return panel_host if settings.bind == EVERYWHERE else settings.bind
