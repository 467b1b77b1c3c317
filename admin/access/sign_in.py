"""Password and code sign-in at the panel, limited so that strangers cannot lock an account.

From a browser at which the account has signed in before (`admin.access.known_devices`), only the failures there count.
From any other browser, these count (`haichieu.sign_in_counters`):

- the address: 20 failures within 15 minutes refuse it for 15 minutes; an office shares one address;
- the account from this address: from the fifth failure on, each doubles the delay before the next attempt, from 30
  seconds to 15 minutes;
- the account from all addresses together: likewise from the fifteenth failure on.

An account whose delay begins raises an alarm. A second factor and the password that a signed-in user enters again
follow the same rule.
"""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.errors import LockedOut, PasswordTooWeak, WrongCode, WrongPassword
from admin.access.second_factor import code_is_right
from haichieu import audit
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import Database
from haichieu.locale import message
from haichieu.people import Account
from haichieu.sign_in_counters import (
    Attempt,
    Delay,
    Lock,
    Refusal,
    Subject,
    account_identity,
    begin,
    refused_now,
    succeeded,
)
from haichieu.vault import Vault, secret_matches

TRIES = 5
TRIES_FROM_EVERYWHERE = 15
TRIES_OF_AN_ADDRESS = 20
SHORTEST_PASSWORD = 10
UNKNOWN_ACCOUNT = "account:?"
"""Shown for a name that no account has: what was typed may be a password."""
LONGEST_PASSWORD = 128


@dataclass(frozen=True)
class Origin:
    """Where a password was typed: the client's address, and the name of its browser if the account knows it."""

    address: str
    device: str = ""


class PanelSignIn:
    """Checks passwords and codes and records each attempt, in transactions of its own."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def check_password(
        self, email: str, password: str, origin: Origin, at: datetime.datetime
    ) -> Account | WrongPassword | LockedOut:
        """Return the account, or the refusal. Blocks for the time of a hash."""
        with self._database.reading() as session:
            account = account_with(session, email)
        identity = account_identity(account.email if account else email)
        shown = identity if account else UNKNOWN_ACCOUNT
        attempt = self._begin(_subjects(identity, origin, shown), at)
        if isinstance(attempt, LockedOut):
            return attempt
        if _matches(account, password) and account:
            self._right(attempt)
            return account
        self._wrong(attempt, shown, origin.address)
        return WrongPassword()

    def check_code(
        self, account: Account, code: str, origin: Origin, at: datetime.datetime
    ) -> WrongCode | LockedOut | None:
        """Check the one-time or recovery code after the right password; return a refusal."""
        identity = account_identity(account.email)
        attempt = self._begin(_subjects(identity, origin, identity), at)
        if isinstance(attempt, LockedOut):
            return attempt
        with self._database.session() as session:
            right = code_is_right(session, self._vault, account.id, code, at)
        if right:
            self._right(attempt)
            return None
        self._wrong(attempt, identity, origin.address)
        return WrongCode()

    def check_again(
        self, account: Account, password: str, login_id: int | None, address: str, at: datetime.datetime
    ) -> WrongPassword | LockedOut | None:
        """Check the password again before a sensitive change, in case the browser was left unattended.

        Only the failures of this session count.
        """
        identity = account_identity(account.email)
        attempt = self._begin([Subject(f"session:{login_id}", Delay(TRIES), identity, identity=identity)], at)
        if isinstance(attempt, LockedOut):
            return attempt
        if _matches(account, password):
            self._right(attempt)
            return None
        self._wrong(attempt, identity, address)
        return WrongPassword()

    def signed_in(self, session: Session, account: Account, origin: Origin, at: datetime.datetime) -> None:
        """Record a successful sign-in: it clears the failures of this route, not those of the address."""
        identity = account_identity(account.email)
        attempt = Attempt(tuple(_subjects(identity, origin, identity)), at)
        succeeded(session, self._vault, attempt)
        who = f"account:{account.email}"
        audit.record(session, who, "session.login", who, address=origin.address)

    def _begin(self, subjects: list[Subject], at: datetime.datetime) -> Attempt | LockedOut:
        with self._database.session() as session:
            begun = begin(session, self._vault, subjects, at)
        return LockedOut(begun.until - at) if isinstance(begun, Refusal) else begun

    def _right(self, attempt: Attempt) -> None:
        """Take the attempt back; earlier failures are cleared by `signed_in`, after the last credential."""
        with self._database.session() as session:
            succeeded(session, self._vault, attempt, clears=False)

    def _wrong(self, attempt: Attempt, shown: str, address: str) -> None:
        with self._database.session() as session:
            audit.record(session, "web", "session.failed", shown, address=address)
            for subject in refused_now(session, self._vault, attempt):
                if subject.shown:
                    raise_alarm(
                        session,
                        AlarmKind.SIGN_IN_LOCKED,
                        subject.shown,
                        message("panel.sign_in_locked", count=subject.rule.limit),
                    )
                    audit.record(session, "web", "sign_in.locked", subject.shown)


def account_with(session: Session, email: str) -> Account | None:
    """Return the account of an e-mail address, in any spelling."""
    return session.scalar(sa.select(Account).where(sa.func.lower(Account.email) == email.lower()))


def require_good_password(account: Account, password: str) -> None:
    """Raise PasswordTooWeak unless the account may have this password."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise PasswordTooWeak("panel.access.password_length", shortest=SHORTEST_PASSWORD, longest=LONGEST_PASSWORD)
    plain = password.lower()
    if plain in (account.email.lower(), account.name.lower()) or len(set(plain)) < 4:
        raise PasswordTooWeak("panel.access.password_easy")


def change_password(session: Session, account: Account, hashed: str) -> None:
    """Set another password by its hash, which ends every earlier session."""
    account.password_hash = hashed
    audit.record(session, f"account:{account.email}", "account.password", f"account:{account.email}")


def _matches(account: Account | None, password: str) -> bool:
    return secret_matches(account.password_hash if account else None, password[:LONGEST_PASSWORD])


def _subjects(identity: str, origin: Origin, shown: str) -> list[Subject]:
    if origin.device:
        return [Subject(f"device:{origin.device}", Delay(TRIES), shown, identity=identity)]
    address = f"address:{origin.address}"
    return [
        Subject(address, Lock(TRIES_OF_AN_ADDRESS), own=False),
        Subject(f"{address} {identity}", Delay(TRIES), shown, identity=identity),
        Subject(identity, Delay(TRIES_FROM_EVERYWHERE), shown, identity=identity),
    ]
