"""Changes of a programme since its last approval, for the next approver.

They are derived from the audit trail, where `approval.approve` records everything that was approved.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.programmes.models import Programme
from haichieu.audit import AuditEntry

WORDS = ("title", "category", "language", "text")
"""The fields that are read; `sound` is added to them, as the digest of what is heard."""


@dataclass(frozen=True)
class Change:
    """One field that differs from what was approved; for a sound, the digests."""

    name: str
    old: str
    new: str


def as_approved(programme: Programme) -> dict[str, str]:
    """Return what an approval records in the audit trail."""
    words = {name: str(getattr(programme, name)) for name in WORDS}
    return {**words, "sound": programme.sound.sha256 if programme.sound else ""}


def changes_since_approval(session: Session, programme: Programme) -> list[Change] | None:
    """Return the differences from the last approval; None without one, or when an old one recorded too little."""
    last = session.scalars(
        sa.select(AuditEntry)
        .where(AuditEntry.subject == f"programme:{programme.id}", AuditEntry.action == "programme.approve")
        .order_by(AuditEntry.id.desc())
        .limit(1)
    ).first()
    if last is None or "sound" not in last.detail:
        return None
    now = as_approved(programme)
    return [Change(name, str(last.detail.get(name, "")), new) for name, new in now.items() if last.detail[name] != new]
