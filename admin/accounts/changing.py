"""Changes to accounts of the panel; one administrator always remains."""

import datetime
import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access import sessions, tokens
from haichieu import audit
from haichieu.errors import HaiChieuError
from haichieu.people import Account, Role, units_under
from haichieu.sign_in_counters import account_identity, lift
from haichieu.vault import Vault

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


class LastAdministrator(HaiChieuError):
    """The change would leave these units without an administrator."""

    def __init__(self) -> None:
        super().__init__("panel.accounts.last_administrator")


def new_password() -> str:
    """Return a temporary password that can be read out over the telephone."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def reset_password(
    session: Session, vault: Vault, account: Account, hashed: str, who: str, at: datetime.datetime
) -> None:
    """Give an account another password by its hash; this ends its sessions and tokens and lifts sign-in locks."""
    sessions.end_all(session, account.id, who, at)
    tokens.revoke_all(session, account.id, who, at)
    account.password_hash = hashed
    lift(session, vault, account_identity(account.email))
    audit.record(session, who, "account.password_reset", f"account:{account.email}")


def disable(session: Session, account: Account, who: str, at: datetime.datetime) -> None:
    """End an account's sessions and tokens and refuse sign-in until its password is reset. Raises LastAdministrator."""
    require_another_administrator(session, account)
    sessions.end_all(session, account.id, who, at)
    tokens.revoke_all(session, account.id, who, at)
    account.password_hash = ""
    audit.record(session, who, "account.disable", f"account:{account.email}")


def is_disabled(account: Account) -> bool:
    """Return whether the account has no password."""
    return not account.password_hash


def require_another_administrator(session: Session, account: Account) -> None:
    """Raise LastAdministrator when no other administrator covers all units of this one."""
    if account.role != Role.ADMIN or is_disabled(account):
        return
    others = session.scalars(
        sa.select(Account).where(Account.role == Role.ADMIN, Account.id != account.id, Account.password_hash != "")
    )
    if not any(account.unit_id in units_under(session, [other.unit_id]) for other in others):
        raise LastAdministrator
