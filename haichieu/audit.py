"""Audit trail: append-only entries (actor, action, subject, time), each sealing the one before.

An entry is written in the transaction of the action it records. On commit it gets its `position` in the trail and a
`digest` over itself and its predecessor's digest (a hash chain, as in the logs of RFC 6962, without the tree), so that
changing, removing or inserting an entry breaks every later digest. Database triggers refuse such changes; the chain
detects those that bypass the triggers. It cannot detect a trail that was truncated or rewritten as a whole, so the head
(position and digest) is logged daily and can be stored elsewhere: `verify` takes a head that must be in the trail.
"""

import datetime
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu.database import Base, now
from haichieu.locale import Message, message

START = "0" * 64
"""The predecessor's digest of the first entry."""

_UNSEALED = "audit_entries_without_seal"
_LOCK = 0x4861_6943_6869_6575  # pg_advisory_xact_lock takes a number instead of a name
_READ_AT_ONCE = 1000


class AuditEntry(Base):
    """One recorded action. `position` and `digest` are set at commit and never change."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(default=now, index=True)
    actor: Mapped[str] = mapped_column(sa.String(200))
    action: Mapped[str] = mapped_column(sa.String(80))
    subject: Mapped[str] = mapped_column(sa.String(200), index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    position: Mapped[int | None] = mapped_column(unique=True)
    digest: Mapped[str | None] = mapped_column(sa.String(64))


@dataclass(frozen=True)
class Head:
    """The newest entry of a trail: how many there are, and the digest that seals them all."""

    position: int
    digest: str


@dataclass(frozen=True)
class Verdict:
    """The result of `verify`: the head and, when the trail is broken, the position and the problem."""

    head: Head
    broken_at: int | None = None
    problem: Message | None = None


def record(session: Session, actor: str, action: str, subject: str, **detail: str | int | float | bool) -> None:
    """Add an entry in the caller's transaction, so that action and entry are committed or rolled back together."""
    session.add(AuditEntry(actor=actor, action=action, subject=subject, detail=detail))
    session.info[_UNSEALED] = True


def digest_of(
    previous: str, position: int, at: datetime.datetime, actor: str, action: str, subject: str, detail: dict[str, Any]
) -> str:
    """Return SHA-256 over the predecessor's digest and the entry in canonical form."""
    entry = [position, at.astimezone(datetime.UTC).isoformat(), actor, action, subject, detail]
    canonical = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{canonical}".encode()).hexdigest()


def head(session: Session) -> Head:
    """Return the newest entry's position and digest; position 0 when there is none."""
    newest = session.execute(
        sa.select(AuditEntry.position, AuditEntry.digest)
        .where(AuditEntry.position.is_not(None))
        .order_by(AuditEntry.position.desc())
        .limit(1)
    ).first()
    return Head(newest.position, newest.digest or "") if newest else Head(0, START)


def find(session: Session, *, words: str = "", most: int = 50, before: int | None = None) -> Sequence[AuditEntry]:
    """Return entries older than id `before` whose actor, action or subject contains `words`, newest first."""
    query = sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(most)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if words:
        columns = (AuditEntry.actor, AuditEntry.action, AuditEntry.subject)
        query = query.where(sa.or_(*(column.icontains(words, autoescape=True) for column in columns)))
    return session.scalars(query).all()


def verify(session: Session, noted: Head | None = None) -> Verdict:
    """Read the whole trail and recompute every digest; `noted` is a head that must be in it."""
    position, digest = 0, START
    for entry in session.scalars(
        sa.select(AuditEntry).order_by(AuditEntry.position.nulls_last()).execution_options(yield_per=_READ_AT_ONCE)
    ):
        if entry.position != position + 1:
            return Verdict(Head(position, digest), position + 1, message("base.audit.missing"))
        expected = digest_of(digest, entry.position, entry.at, entry.actor, entry.action, entry.subject, entry.detail)
        if entry.digest != expected:
            return Verdict(Head(position, digest), entry.position, message("base.audit.altered"))
        position, digest = entry.position, expected
        if noted and noted.position == position and noted.digest != digest:
            return Verdict(Head(position, digest), position, message("base.audit.not_noted"))
    if noted and noted.position > position:
        return Verdict(Head(position, digest), position + 1, message("base.audit.cut_off"))
    return Verdict(Head(position, digest))


def entry_at(session: Session, position: int) -> tuple[AuditEntry, bool] | None:
    """Return the entry at a position, and whether its digest seals it and its predecessor; None without one."""
    entry = session.scalar(sa.select(AuditEntry).where(AuditEntry.position == position))
    if entry is None:
        return None
    before = session.scalar(sa.select(AuditEntry.digest).where(AuditEntry.position == position - 1))
    previous = START if position == 1 else before or ""
    expected = digest_of(previous, position, entry.at, entry.actor, entry.action, entry.subject, entry.detail)
    return entry, expected == entry.digest


@sa.event.listens_for(Session, "before_commit")
def _seal(session: Session) -> None:
    """Chain this transaction's entries just before the commit, so that the lock is held only briefly."""
    if session.in_nested_transaction() or not session.info.pop(_UNSEALED, False):
        return
    session.flush()
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time as it is
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    last = head(session)
    position, digest = last.position, last.digest
    for entry in session.scalars(sa.select(AuditEntry).where(AuditEntry.position.is_(None)).order_by(AuditEntry.id)):
        position += 1
        digest = digest_of(digest, position, entry.at, entry.actor, entry.action, entry.subject, entry.detail)
        entry.position, entry.digest = position, digest
    session.flush()
