"""What a programme was when it was last approved, and what of it has changed since: what an approver must look at.

The audit trail holds it: `approval.approve` writes down all that was approved.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.programmes.models import Programme
from haichieu.audit import AuditEntry

WORDS = ("title", "category", "language", "text")
"""What of a programme is read; `sound` stands beside them, as the digest of what is heard."""


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was approved. Of a sound, the digests."""

    name: str
    old: str
    new: str


def as_approved(programme: Programme) -> dict[str, str]:
    """What an approval writes into the trail."""
    words = {name: str(getattr(programme, name)) for name in WORDS}
    return {**words, "sound": programme.sound.sha256 if programme.sound else ""}


def changes_since_approval(session: Session, programme: Programme) -> list[Change] | None:
    """What differs from the last approval; None when it never was approved, or before approvals wrote it all down."""
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
