"""Who asks: the account behind the request that is being answered."""

from dataclasses import dataclass

from flask import g, has_request_context

from haichieu.account_rights import Action, may
from haichieu.people import Account


@dataclass(frozen=True)
class Visitor:
    """An account at a browser (`login_id`) or with an API token (None), and the units that it is limited to."""

    account: Account
    units: frozenset[int]
    login_id: int | None = None

    @property
    def actor(self) -> str:
        """As the audit trail calls them."""
        return f"account:{self.account.email}"

    def may(self, action: Action | str) -> bool:
        """Say whether their role gives an action."""
        return may(self.account, Action(action))


def visitor_or_none() -> Visitor | None:
    """Who asks, None for somebody who has not signed in."""
    found = g.get("visitor") if has_request_context() else None
    return found if isinstance(found, Visitor) else None


def visitor() -> Visitor:
    """Who asks; only where a route's rule lets nobody in who has not signed in."""
    found = visitor_or_none()
    if found is None:
        raise RuntimeError("a route that is open to all asks who is there")
    return found
