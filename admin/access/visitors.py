"""The account behind the current request."""

from dataclasses import dataclass

from flask import g, has_request_context

from haichieu.account_rights import Action, may
from haichieu.people import Account


@dataclass(frozen=True)
class Visitor:
    """An account in a browser session (`login_id`) or with an API token (None), and the units it is limited to."""

    account: Account
    units: frozenset[int]
    login_id: int | None = None

    @property
    def actor(self) -> str:
        """The name of the visitor in the audit trail."""
        return f"account:{self.account.email}"

    def may(self, action: Action | str) -> bool:
        """Return whether the visitor's role has an action."""
        return may(self.account, Action(action))


def visitor_or_none() -> Visitor | None:
    """Return the visitor, or None without a session or token."""
    found = g.get("visitor") if has_request_context() else None
    return found if isinstance(found, Visitor) else None


def visitor() -> Visitor:
    """Return the visitor; only for routes whose rule requires a session or token."""
    found = visitor_or_none()
    if found is None:
        raise RuntimeError("a route that is open to all asks who is there")
    return found
