"""API tokens: shown once, stored as digests, used with rights of their account that were chosen for them.

A token ends on its last day, when it is revoked, and when the password of its account changes.
"""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from admin.access.errors import TokenRefused
from admin.access.models import ApiToken
from admin.access.proofs import digest_of, new_proof
from haichieu import audit
from haichieu.account_rights import Action, may
from haichieu.database import Database
from haichieu.errors import UsageError
from haichieu.people import Account

PREFIX = "hc_"
"""Makes a leaked token recognisable in scripts and chats."""
USED_EVERY = datetime.timedelta(minutes=1)
SCOPES = (
    *(Action.VIEW, Action.READ_CASES, Action.WORK_ON_CASES, Action.AIR, Action.ANNOUNCE, Action.EMERGENCY),
)  # fmt: skip
"""The rights that the API uses, and that a token can have."""
DAYS = 365
MOST_DAYS = 1100


@dataclass(frozen=True)
class Limits:
    """What a new token may do and for how many days. `scope` None is everything that its account may do now."""

    scope: Collection[Action] | None = None
    days: int = DAYS


EVERYTHING = Limits()


def create(
    session: Session, account: Account, name: str, who: str, at: datetime.datetime, limits: Limits = EVERYTHING
) -> str:
    """Create a token and return it; it cannot be read again. Raises UsageError."""
    name = name.strip()
    if not 1 <= len(name) <= 100:
        raise UsageError("api.token_name")
    if not 1 <= limits.days <= MOST_DAYS:
        raise UsageError("api.token_days", most=MOST_DAYS)
    scope = [action for action in SCOPES if may(account, action) and (limits.scope is None or action in limits.scope)]
    if not scope or (limits.scope is not None and set(scope) != set(limits.scope)):
        raise UsageError("api.token_scope")
    token = new_proof(PREFIX)
    session.add(
        ApiToken(
            account_id=account.id,
            name=name,
            hint=token[: len(PREFIX) + 4],
            token_digest=digest_of(token),
            password_mark=digest_of(account.password_hash),
            scope=[action.value for action in scope],
            created_at=at,
            expires_at=at + datetime.timedelta(days=limits.days),
        )
    )
    chosen = ", ".join(scope)
    audit.record(session, who, "token.create", f"account:{account.email}", name=name, scope=chosen, days=limits.days)
    return token


def account_with_token(database: Database, token: str, at: datetime.datetime) -> Account:
    """Return the account of a token, limited to its scope, and record its use. Raises TokenRefused."""
    with database.reading() as session:
        found = session.scalar(
            sa.select(ApiToken)
            .where(ApiToken.token_digest == digest_of(token), ApiToken.revoked_at.is_(None))
            .options(joinedload(ApiToken.account))
        )
        if found is None or not _is_valid(found, at):
            raise TokenRefused
        account = found.account
    if found.last_used_at is None or at - found.last_used_at >= USED_EVERY:
        with database.session() as session:
            session.execute(sa.update(ApiToken).where(ApiToken.id == found.id).values(last_used_at=at))
    account.limited_to = frozenset(found.scope)
    return account


def tokens_of(session: Session, at: datetime.datetime, account_id: int | None = None) -> Sequence[ApiToken]:
    """Return the valid tokens of an account, or of all accounts; the newest first."""
    query = sa.select(ApiToken).where(ApiToken.revoked_at.is_(None)).options(joinedload(ApiToken.account))
    if account_id is not None:
        query = query.where(ApiToken.account_id == account_id)
    return [one for one in session.scalars(query.order_by(ApiToken.id.desc())) if _is_valid(one, at)]


def revoke(session: Session, token_id: int, who: str, at: datetime.datetime, *, of: int | None = None) -> None:
    """Revoke a token, only if it belongs to account `of` when given. Raises UsageError."""
    found = session.get(ApiToken, token_id)
    if found is None or found.revoked_at is not None or (of is not None and found.account_id != of):
        raise UsageError("api.no_such_token", number=token_id)
    found.revoked_at = at
    audit.record(session, who, "token.revoke", f"account:{found.account.email}", name=found.name)


def revoke_all(session: Session, account_id: int, who: str, at: datetime.datetime) -> int:
    """Revoke every valid token of an account; return how many there were."""
    found = tokens_of(session, at, account_id)
    for token in found:
        revoke(session, token.id, who, at)
    return len(found)


def _is_valid(token: ApiToken, at: datetime.datetime) -> bool:
    return at < token.expires_at and token.password_mark == digest_of(token.account.password_hash)
