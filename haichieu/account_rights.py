"""Rights of accounts: the one table that the panel, the API and the command line use.

A role grants actions, and the account's unit limits them to that unit and the units below it.
"""

from collections.abc import Iterable
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.errors import NotAllowed, NotFound
from haichieu.locale import Message, message
from haichieu.people import Account, Role, units_under


class Action(StrEnum):
    """Actions of accounts."""

    VIEW = "view"
    """See speakers, zones, programmes, the schedule, and current and past broadcasts."""
    READ_CASES = "read_cases"
    """Read citizens' messages."""
    WORK_ON_CASES = "work_on_cases"
    """Answer, assign and close cases."""
    EDIT = "edit"
    """Make and change programmes."""
    SCHEDULE = "schedule"
    """Schedule programmes and live calls."""
    APPROVE = "approve"
    """Approve other people's programmes for broadcast."""
    AIR = "air"
    """Broadcast an approved programme now, stop a broadcast, mute a zone."""
    ANNOUNCE = "announce"
    """Broadcast a text, a recording or a file at once; like a live broadcast, it needs no approval."""
    EMERGENCY = "emergency"
    """Broadcast the siren and an emergency message, pre-empting everything else."""
    CLEAR_ALARMS = "clear_alarms"
    """Acknowledge an alarm."""
    AUDIT = "audit"
    """Read the audit trail."""
    MANAGE_ACCOUNTS = "manage_accounts"
    """See accounts and their sessions, and end sessions."""
    REPAIR = "repair"
    """Open, work on and close repairs of speakers, and hear what citizens said about them."""
    CONFIGURE = "configure"
    """Change speakers, zones, officials, numbers and alert sources."""
    KEEP_BOOK = "keep_book"
    """Keep the station book; others see it without personal data."""
    SEE_NUMBERS = "see_numbers"
    """See citizens' telephone numbers in full."""
    PRIVACY = "export_or_erase"
    """Export or erase a citizen's data."""

    @property
    def words(self) -> Message:
        """The action as a verb phrase for people."""
        return message(f"base.action.{self.value}")


MAY: dict[Role, frozenset[Action]] = {
    Role.ADMIN: frozenset(Action),
    Role.EDITOR: frozenset(
        {
            *(Action.VIEW, Action.READ_CASES, Action.WORK_ON_CASES),
            *(Action.EDIT, Action.SCHEDULE, Action.AIR, Action.REPAIR, Action.KEEP_BOOK),
        }
    ),
    Role.APPROVER: frozenset({Action.VIEW, Action.READ_CASES, Action.SCHEDULE, Action.APPROVE}),
    Role.OPERATOR: frozenset(
        {
            *(Action.VIEW, Action.READ_CASES, Action.WORK_ON_CASES, Action.SEE_NUMBERS),
            *(Action.AIR, Action.ANNOUNCE, Action.EMERGENCY, Action.CLEAR_ALARMS, Action.REPAIR),
        }
    ),
    # Messages of citizens are personal: a viewer sees how many cases there are, not their content.
    Role.VIEWER: frozenset({Action.VIEW}),
}


class NoSuchAccount(NotFound):
    """No account has this address."""


def account_of(session: Session, email: str) -> Account:
    """Return the account with this address. Raises NoSuchAccount."""
    account = session.scalar(sa.select(Account).where(sa.func.lower(Account.email) == email.lower()))
    if account is None:
        raise NoSuchAccount("base.account.unknown", email=email)
    return account


def may(account: Account, action: Action) -> bool:
    """Return whether the account's role grants an action in any unit, within the scope of the token in use."""
    return action in MAY[Role(account.role)] and _is_in_scope(account, action)


def units_of(session: Session, account: Account) -> set[int]:
    """Return the units an account is limited to: its own and those below."""
    return units_under(session, [account.unit_id])


def require(session: Session, account: Account, action: Action, unit_id: int) -> None:
    """Raise NotAllowed unless the account may do it in the unit."""
    require_everywhere(session, account, action, [unit_id])


def require_everywhere(session: Session, account: Account, action: Action, unit_ids: Iterable[int]) -> None:
    """Raise NotAllowed unless the account may do it in each of the units."""
    if not _is_in_scope(account, action):
        raise NotAllowed("base.account.not_in_scope", action=action.words)
    if not may(account, action):
        raise NotAllowed("base.account.role_may_not", role=message(f"panel.role.{account.role}"), action=action.words)
    asked = set(unit_ids)
    if asked and not asked <= units_of(session, account):
        raise NotAllowed("base.account.other_unit", email=account.email)


def _is_in_scope(account: Account, action: Action) -> bool:
    return account.limited_to is None or action in account.limited_to
