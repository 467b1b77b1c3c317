"""Browsers that receive an account's notices, and the kinds that the account wants."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from admin.access.proofs import digest_of
from admin.notices.models import NoticeChoice, NoticeKind, PushSubscription
from admin.notices.push_encryption import BrowserKeys
from admin.notices.push_service import require_public_endpoint
from haichieu import audit
from haichieu.account_rights import may
from haichieu.people import Account

MOST_BROWSERS = 10
"""Of one account; a further one replaces the oldest."""


@dataclass(frozen=True)
class Offer:
    """What a browser gives of its subscription: hostile input."""

    endpoint: str
    public_key: str
    auth_secret: str


def subscribe(
    session: Session, account: Account, offer: Offer, browser: str, at: datetime.datetime
) -> PushSubscription:
    """Add a browser, or renew it; a browser belongs to the account that asked last.

    Raises UnsafeEndpoint or UnusableKeys.
    """
    require_public_endpoint(offer.endpoint)
    BrowserKeys.read(offer.public_key, offer.auth_secret)
    session.execute(sa.delete(PushSubscription).where(PushSubscription.endpoint == offer.endpoint))
    older = session.scalars(_of(account.id).order_by(PushSubscription.id.desc()).offset(MOST_BROWSERS - 1)).all()
    for one in older:
        session.delete(one)
    made = PushSubscription(
        account_id=account.id,
        endpoint=offer.endpoint,
        public_key=offer.public_key,
        auth_secret=offer.auth_secret,
        password_mark=digest_of(account.password_hash),
        browser=browser[:200],
        created_at=at,
    )
    session.add(made)
    audit.record(session, _actor(account), "push.subscribe", _actor(account), browser=browser[:200])
    return made


def unsubscribe(session: Session, account: Account, number: int) -> None:
    """Remove a browser of the account; one that is gone or belongs to another account stays as it is."""
    found = session.get(PushSubscription, number)
    if found is not None and found.account_id == account.id:
        session.delete(found)
        audit.record(session, _actor(account), "push.unsubscribe", _actor(account), browser=found.browser)


def drop(session: Session, subscription: PushSubscription, because: str) -> None:
    """Remove a browser that its push service no longer knows (`gone`), or whose address must not be used (`unsafe`)."""
    actor = _actor(subscription.account)
    session.delete(subscription)
    audit.record(session, "system", "push.drop", actor, browser=subscription.browser, because=because)


def browsers_of(session: Session, account: Account) -> Sequence[PushSubscription]:
    """Return the browsers that receive the account's notices, the newest first."""
    return [one for one in session.scalars(_of(account.id).order_by(PushSubscription.id.desc())) if is_valid(one)]


def all_valid(session: Session) -> Sequence[PushSubscription]:
    """Return every browser that may receive something."""
    found = session.scalars(sa.select(PushSubscription).options(joinedload(PushSubscription.account)))
    return [one for one in found if is_valid(one)]


def is_valid(subscription: PushSubscription) -> bool:
    """Return whether the account is enabled and still has the password of the time of the subscription."""
    account = subscription.account
    return bool(account.password_hash) and subscription.password_mark == digest_of(account.password_hash)


def kinds_for(account: Account) -> Sequence[NoticeKind]:
    """Return the kinds that concern the account's role."""
    return [kind for kind in NoticeKind if any(may(account, action) for action in kind.rights)]


def wanted(session: Session, account: Account) -> Collection[NoticeKind]:
    """Return the kinds that the account receives: those of its role that it has not turned off."""
    choice = session.get(NoticeChoice, account.id)
    return [kind for kind in kinds_for(account) if choice is None or kind in choice.kinds]


def choose(session: Session, account: Account, kinds: Collection[str]) -> None:
    """Store the kinds that the account wants."""
    chosen = [str(kind) for kind in NoticeKind if kind in kinds]
    choice = session.get(NoticeChoice, account.id)
    if choice is None:
        session.add(NoticeChoice(account_id=account.id, kinds=chosen))
    else:
        choice.kinds = chosen
    audit.record(session, _actor(account), "push.choose", _actor(account), kinds=", ".join(chosen))


def _of(account_id: int) -> sa.Select[PushSubscription]:
    return (
        sa.select(PushSubscription)
        .where(PushSubscription.account_id == account_id)
        .options(joinedload(PushSubscription.account))
    )


def _actor(account: Account) -> str:
    return f"account:{account.email}"
