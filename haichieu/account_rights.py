"""What an account may do, and where: the one place that decides it."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.errors import HaiChieuError
from haichieu.people import Account, Role, units_under


class Action(StrEnum):
    """What an account may want to do."""

    EDIT = "edit"
    APPROVE = "approve"
    AIR = "air"
    EMERGENCY = "emergency"
    CONFIGURE = "configure"
    READ_CASES = "read cases"
    WORK_ON_CASES = "work on cases"
    SEE_NUMBERS = "see numbers of citizens"
    PRIVACY = "export or erase a citizen's data"


MAY: dict[Role, frozenset[Action]] = {
    Role.ADMIN: frozenset(Action),
    Role.EDITOR: frozenset({Action.EDIT, Action.AIR, Action.READ_CASES, Action.WORK_ON_CASES}),
    Role.APPROVER: frozenset({Action.APPROVE, Action.READ_CASES}),
    Role.OPERATOR: frozenset(
        {Action.AIR, Action.EMERGENCY, Action.READ_CASES, Action.WORK_ON_CASES, Action.SEE_NUMBERS}
    ),
    Role.VIEWER: frozenset({Action.READ_CASES}),
}


class NoSuchAccount(HaiChieuError):
    """No account has this address."""


class NotAllowed(HaiChieuError):
    """The account's role does not allow it, or not in this unit."""


def account_of(session: Session, email: str) -> Account:
    """Return the account with this address. Raises NoSuchAccount."""
    account = session.scalar(sa.select(Account).where(sa.func.lower(Account.email) == email.lower()))
    if account is None:
        raise NoSuchAccount(f"Không có tài khoản {email}. / There is no account {email}.")
    return account


def require(session: Session, account: Account, action: Action, unit_id: int) -> None:
    """Raise NotAllowed unless the account may do it in the unit, which must be its own or lie below."""
    if action not in MAY[Role(account.role)]:
        raise NotAllowed(
            f"Vai trò {account.role} không được làm việc này ({action}). / The role {account.role} may not {action}."
        )
    if unit_id not in units_under(session, [account.unit_id]):
        raise NotAllowed(
            f"{account.email} chỉ phụ trách đơn vị của mình và cấp dưới. / "
            f"{account.email} is limited to its own unit and those below."
        )
