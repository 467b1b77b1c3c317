"""People who sign in: officials by PIN on the phone, accounts by password in the panel."""

from sqlalchemy.orm import Session

from haichieu.people import Account, Official, OfficialPhone, Role, Unit
from haichieu.vault import hash_secret

PIN = "246810"
PIN_HASH = hash_secret(PIN)
PASSWORD = "ba-con-ech-xanh"
PASSWORD_HASH = hash_secret(PASSWORD)
EDITOR, APPROVER = "editor@x.example", "approver@x.example"
OPERATOR, VIEWER = "operator@x.example", "viewer@x.example"
"""Accounts of the commune of `tests.builders.house`."""


def official(session: Session, unit: Unit, code: str, phone: str, *, call_back: bool = False) -> Official:
    """Add an official with one phone and the PIN `PIN`."""
    who = Official(
        code=code, name=f"Cán bộ {code}", unit_id=unit.id, pin_hash=PIN_HASH, may=["live"], call_back=call_back,
        phones=[OfficialPhone(number=phone)],
    )  # fmt: skip
    session.add(who)
    session.flush()
    return who


def account(session: Session, email: str, role: Role, unit_id: int, name: str = "Lan") -> Account:
    """Add an account with the password `PASSWORD`."""
    made = Account(email=email, name=name, password_hash=PASSWORD_HASH, role=role, unit_id=unit_id)
    session.add(made)
    session.flush()
    return made
