"""Browser sessions, stored in the database so that they can be listed and revoked.

A session ends by sign-out, by revocation, after `IDLE` without a request, after `ABSOLUTE` in any case, and when the
account gets another password or is removed.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from admin.access.models import WebSession
from admin.access.proofs import digest_of, new_proof
from haichieu import audit
from haichieu.people import Account

IDLE = datetime.timedelta(hours=2)
ABSOLUTE = datetime.timedelta(hours=12)
SEEN_EVERY = datetime.timedelta(minutes=1)
"""A request records the use of its session at most this often, so that reading a page does not write."""
KEPT_AFTER_END = datetime.timedelta(days=7)


def begin(session: Session, account: Account, address: str, browser: str, at: datetime.datetime) -> tuple[str, int]:
    """Start a session; return its proof, for the cookie, and its id. An older session is not continued."""
    proof = new_proof()
    login = WebSession(
        account_id=account.id,
        token_digest=digest_of(proof),
        password_mark=digest_of(account.password_hash),
        address=address[:60],
        browser=browser[:200],
        created_at=at,
        seen_at=at,
    )
    session.add(login)
    session.flush()
    return proof, login.id


def find(session: Session, proof: str, at: datetime.datetime) -> WebSession | None:
    """Return the session that a cookie proves; None when it is over or unknown."""
    login = find_even_ended(session, proof)
    return login if login is not None and _holds(login, at) else None


def find_even_ended(session: Session, proof: str) -> WebSession | None:
    """Return the session that a cookie proves, even when it is over."""
    return session.scalar(
        sa.select(WebSession).where(WebSession.token_digest == digest_of(proof)).options(joinedload(WebSession.account))
    )


def is_use_worth_noting(login: WebSession, at: datetime.datetime) -> bool:
    """Return whether the last recorded use is older than `SEEN_EVERY`."""
    return at - login.seen_at >= SEEN_EVERY


def note_use(session: Session, login_id: int, at: datetime.datetime) -> None:
    """Record the use of a session."""
    session.execute(sa.update(WebSession).where(WebSession.id == login_id).values(seen_at=at))


def open_logins(session: Session, account_id: int, at: datetime.datetime) -> Sequence[WebSession]:
    """Return the account's valid sessions, the most recently used first."""
    found = session.scalars(
        sa.select(WebSession)
        .where(WebSession.account_id == account_id, WebSession.ended_at.is_(None), WebSession.seen_at > at - IDLE)
        .options(joinedload(WebSession.account))
        .order_by(WebSession.seen_at.desc(), WebSession.id.desc())
    )
    return [login for login in found if _holds(login, at)]


def end(session: Session, login: WebSession, who: str, action: str, at: datetime.datetime) -> None:
    """End a session: `session.logout` by its owner, `session.revoke` from elsewhere."""
    if login.ended_at is None:
        login.ended_at = at
        audit.record(session, who, action, f"account:{login.account.email}", login=login.id)


def end_all(session: Session, account_id: int, who: str, at: datetime.datetime, *, besides: int | None = None) -> int:
    """End every session of an account except `besides`; return how many were ended."""
    others = [login for login in open_logins(session, account_id, at) if login.id != besides]
    for login in others:
        end(session, login, who, "session.revoke", at)
    return len(others)


def keep_form(login: WebSession, path: str, fields: Mapping[str, Any]) -> None:
    """Store what was typed into a form until its page is shown again."""
    login.kept_form = {"path": path, "fields": dict(fields)}


def forget(session: Session, at: datetime.datetime) -> None:
    """Delete sessions that ended a week ago, with their addresses."""
    over = at - ABSOLUTE - KEPT_AFTER_END
    session.execute(sa.delete(WebSession).where(WebSession.created_at < over))


def _holds(login: WebSession, at: datetime.datetime) -> bool:
    return (
        login.ended_at is None
        and at < login.seen_at + IDLE
        and at < login.created_at + ABSOLUTE
        and login.password_mark == digest_of(login.account.password_hash)
    )
