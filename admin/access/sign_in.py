"""Password and code sign-in at the panel, with lockout.

The rule is that of the officials' line (`haichieu.phone_sign_in`): five failed attempts within 15 minutes lock an
account for 15 minutes and raise an alarm. An address is locked after `TRIES_OF_AN_ADDRESS`, since an office shares one.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.errors import LockedOut, PasswordTooWeak, WrongCode, WrongPassword
from admin.access.second_factor import code_is_right
from haichieu import audit
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.locale import message
from haichieu.people import Account
from haichieu.phone_sign_in import LOCK, WRONG_TRIES, SignInAttempt, is_locked
from haichieu.vault import Vault, hash_secret, secret_matches

TRIES_OF_AN_ADDRESS = 20
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 128


def check_password(
    session: Session, email: str, password: str, address: str, at: datetime.datetime
) -> Account | WrongPassword | LockedOut:
    """Return the account, or the refusal as a value, so that the failed attempt is committed."""
    account = session.scalar(sa.select(Account).where(sa.func.lower(Account.email) == email.lower()))
    subject = _subject(account, email)
    if _locked(session, subject, address, at):
        return LockedOut()
    right = secret_matches(account.password_hash if account else None, password[:LONGEST_PASSWORD])
    if right and account:
        return account
    _wrong(session, subject, address, at)
    return WrongPassword()


def check_code(
    session: Session, vault: Vault, account: Account, code: str, address: str, at: datetime.datetime
) -> WrongCode | LockedOut | None:
    """Check the one-time or recovery code after the right password; return a refusal as a value."""
    subject = _subject(account, account.email)
    if _locked(session, subject, address, at):
        return LockedOut()
    if code_is_right(session, vault, account.id, code, at):
        return None
    _wrong(session, subject, address, at)
    return WrongCode()


def signed_in(session: Session, account: Account, address: str, at: datetime.datetime) -> None:
    """Record a successful sign-in: it resets the failed attempts of the account, not those of the address."""
    session.add(SignInAttempt(subject=_subject(account, account.email), at=at, succeeded=True))
    audit.record(session, f"account:{account.email}", "session.login", f"account:{account.email}", address=address)


def check_again(
    session: Session, account: Account, password: str, address: str, at: datetime.datetime
) -> WrongPassword | LockedOut | None:
    """Check the password again before a sensitive change, in case the browser was left unattended."""
    checked = check_password(session, account.email, password, address, at)
    return None if isinstance(checked, Account) else checked


def change_password(session: Session, account: Account, password: str) -> None:
    """Set another password, which ends every earlier session. Raises PasswordTooWeak."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise PasswordTooWeak("panel.access.password_length", shortest=SHORTEST_PASSWORD, longest=LONGEST_PASSWORD)
    plain = password.lower()
    if plain in (account.email.lower(), account.name.lower()) or len(set(plain)) < 4:
        raise PasswordTooWeak("panel.access.password_easy")
    account.password_hash = hash_secret(password)
    audit.record(session, f"account:{account.email}", "account.password", f"account:{account.email}")


def _subject(account: Account | None, email: str) -> str:
    return f"account:{(account.email if account else email).lower()}"[:120]


def _locked(session: Session, subject: str, address: str, at: datetime.datetime) -> bool:
    from_here = is_locked(session, f"address:{address}", at, TRIES_OF_AN_ADDRESS)
    return is_locked(session, subject, at) or from_here


def _wrong(session: Session, subject: str, address: str, at: datetime.datetime) -> None:
    for one in (subject, f"address:{address}"):
        session.add(SignInAttempt(subject=one, at=at, succeeded=False))
    session.flush()
    audit.record(session, "web", "session.failed", subject, address=address)
    if is_locked(session, subject, at):
        raise_alarm(
            session,
            AlarmKind.SIGN_IN_LOCKED,
            subject,
            message("panel.sign_in_locked", count=WRONG_TRIES, minutes=LOCK // datetime.timedelta(minutes=1)),
        )
        audit.record(session, "web", "sign_in.locked", subject)
