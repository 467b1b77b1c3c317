"""Logins at browsers, kept in the database, so that they can be listed and ended from anywhere.

A login ends by logging out, by revocation, after `IDLE` without a request, after `ABSOLUTE` in any case, and when the
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
"""A request writes down that the login was used at most this often: reading a page should not write."""
KEPT_AFTER_END = datetime.timedelta(days=7)


def begin(session: Session, account: Account, address: str, browser: str, at: datetime.datetime) -> tuple[str, int]:
    """Begin a login; return its proof, for the cookie, and its number. An old one, if any, is not continued."""
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
    """The login that a cookie proves, None when it is over or never was."""
    login = find_even_ended(session, proof)
    return login if login is not None and _holds(login, at) else None


def find_even_ended(session: Session, proof: str) -> WebSession | None:
    """The login that a cookie proves, also when it is over: to know whose text is to be kept."""
    return session.scalar(
        sa.select(WebSession).where(WebSession.token_digest == digest_of(proof)).options(joinedload(WebSession.account))
    )


def is_use_worth_noting(login: WebSession, at: datetime.datetime) -> bool:
    """Whether `note_use` would say something new."""
    return at - login.seen_at >= SEEN_EVERY


def note_use(session: Session, login_id: int, at: datetime.datetime) -> None:
    """Note that a login was used."""
    session.execute(sa.update(WebSession).where(WebSession.id == login_id).values(seen_at=at))


def open_logins(session: Session, account_id: int, at: datetime.datetime) -> Sequence[WebSession]:
    """The account's logins that hold, the one used last first."""
    found = session.scalars(
        sa.select(WebSession)
        .where(WebSession.account_id == account_id, WebSession.ended_at.is_(None), WebSession.seen_at > at - IDLE)
        .options(joinedload(WebSession.account))
        .order_by(WebSession.seen_at.desc(), WebSession.id.desc())
    )
    return [login for login in found if _holds(login, at)]


def end(session: Session, login: WebSession, who: str, action: str, at: datetime.datetime) -> None:
    """End a login: `session.logout` by its owner, `session.revoke` from elsewhere."""
    if login.ended_at is None:
        login.ended_at = at
        audit.record(session, who, action, f"account:{login.account.email}", login=login.id)


def end_all(session: Session, account_id: int, who: str, at: datetime.datetime, *, besides: int | None = None) -> int:
    """End every login of an account but one; return how many there were."""
    others = [login for login in open_logins(session, account_id, at) if login.id != besides]
    for login in others:
        end(session, login, who, "session.revoke", at)
    return len(others)


def keep_form(login: WebSession, path: str, fields: Mapping[str, Any]) -> None:
    """Keep what was typed into the form of a page until the page is shown again."""
    login.kept_form = {"path": path, "fields": dict(fields)}


def forget(session: Session, at: datetime.datetime) -> None:
    """Remove logins that have been over for a week, with the addresses that they came from."""
    over = at - ABSOLUTE - KEPT_AFTER_END
    session.execute(sa.delete(WebSession).where(WebSession.created_at < over))


def _holds(login: WebSession, at: datetime.datetime) -> bool:
    return (
        login.ended_at is None
        and at < login.seen_at + IDLE
        and at < login.created_at + ABSOLUTE
        and login.password_mark == digest_of(login.account.password_hash)
    )
