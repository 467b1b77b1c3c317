"""The audit trail: who did what to what, and when. Rows are only ever added."""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu.database import Base, now


class AuditEntry(Base):
    """One thing that somebody did."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(default=now, index=True)
    actor: Mapped[str] = mapped_column(sa.String(200))
    action: Mapped[str] = mapped_column(sa.String(80))
    subject: Mapped[str] = mapped_column(sa.String(200))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


def record(session: Session, actor: str, action: str, subject: str, **detail: str | int | float | bool) -> None:
    """Add an entry to the trail, in the caller's transaction: the act and its trace stand or fall together."""
    session.add(AuditEntry(actor=actor, action=action, subject=subject, detail=detail))
