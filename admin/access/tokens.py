"""API tokens: shown once, stored as digests, used with the rights of their account."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from admin.access.errors import TokenRefused
from admin.access.models import ApiToken
from admin.access.proofs import digest_of, new_proof
from haichieu import audit
from haichieu.database import Database
from haichieu.errors import UsageError
from haichieu.people import Account

PREFIX = "hc_"
"""Makes a leaked token recognisable in scripts and chats."""
USED_EVERY = datetime.timedelta(minutes=1)


def create(session: Session, account: Account, name: str, who: str, at: datetime.datetime) -> str:
    """Create a token and return it; it cannot be read again. Raises UsageError."""
    name = name.strip()
    if not 1 <= len(name) <= 100:
        raise UsageError("api.token_name")
    token = new_proof(PREFIX)
    session.add(
        ApiToken(
            account_id=account.id,
            name=name,
            hint=token[: len(PREFIX) + 4],
            token_digest=digest_of(token),
            created_at=at,
        )
    )
    audit.record(session, who, "token.create", f"account:{account.email}", name=name)
    return token


def account_with_token(database: Database, token: str, at: datetime.datetime) -> Account:
    """Return the account of a token, and record its use at most every `USED_EVERY`. Raises TokenRefused."""
    with database.reading() as session:
        found = session.scalar(
            sa.select(ApiToken)
            .where(ApiToken.token_digest == digest_of(token), ApiToken.revoked_at.is_(None))
            .options(joinedload(ApiToken.account))
        )
        if found is None:
            raise TokenRefused
        account = found.account
    if found.last_used_at is None or at - found.last_used_at >= USED_EVERY:
        with database.session() as session:
            session.execute(sa.update(ApiToken).where(ApiToken.id == found.id).values(last_used_at=at))
    return account


def tokens_of(session: Session, account_id: int | None = None) -> Sequence[ApiToken]:
    """Return the valid tokens of an account, or of all accounts; the newest first."""
    query = sa.select(ApiToken).where(ApiToken.revoked_at.is_(None)).options(joinedload(ApiToken.account))
    if account_id is not None:
        query = query.where(ApiToken.account_id == account_id)
    return session.scalars(query.order_by(ApiToken.id.desc())).all()


def revoke(session: Session, token_id: int, who: str, at: datetime.datetime, *, of: int | None = None) -> None:
    """Revoke a token, only if it belongs to account `of` when given. Raises UsageError."""
    found = session.get(ApiToken, token_id)
    if found is None or found.revoked_at is not None or (of is not None and found.account_id != of):
        raise UsageError("api.no_such_token", number=token_id)
    found.revoked_at = at
    audit.record(session, who, "token.revoke", f"account:{found.account.email}", name=found.name)
