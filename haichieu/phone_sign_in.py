"""PIN sign-in by phone, limited so that guessing does not pay and strangers cannot lock officials out.

There are three routes, each with its own counters (`haichieu.sign_in_counters`):

- *Staff code and PIN*, from a withheld or unknown number. Anyone can try this, so it is refused when the official, the
  caller, all such callers together, the line or the station have used up their failures.
- *PIN from a registered number.* A caller ID can be forged, so this is limited as well, but by the failures from this
  number, on this line and at the station, never by those on the first route. Where it is refused, the
  station calls the registered number instead of locking the official out.
- *PIN on a call from the station to a registered number.* Nobody else is on that call: only its own failures count.

The limits, in failures within 15 minutes; each then refuses for 15 minutes and raises an alarm:

- 5 for an official or a caller.
- 10 for all withheld and unknown callers together: 960 guesses per day, one in a thousand of the PINs of six digits.
  Officials who sign in from other people's phones mistype less often than ten times in a quarter of an hour.
- 15 for a line and 25 for a station: a trunk on which someone forges the numbers of many officials.
"""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu import audit
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.locale import message
from haichieu.people import Official, official_with_phone
from haichieu.phone_numbers import masked
from haichieu.sign_in_counters import (
    LOCK,
    Attempt,
    Lock,
    Refusal,
    Subject,
    begin,
    lift,
    official_identity,
    refused_now,
    succeeded,
)
from haichieu.vault import Vault, secret_matches

RIGHT, WRONG = "sign_in.right", "sign_in.wrong"
"""Actions in the audit trail."""

TRIES = 5
STRANGERS_TRIES = 10
LINE_TRIES = 15
STATION_TRIES = 25

UNKNOWN_CODE = "official:?"
"""Shown for a code that nobody has: what was typed may be a PIN."""


class SignInRefused(HaiChieuError):
    """The caller may not sign in."""


class WrongPin(SignInRefused):
    """The PIN or the staff code is wrong; the caller does not learn which."""


class LockedOut(SignInRefused):
    """Too many wrong attempts; even the right PIN is refused for now."""


class CallBackNeeded(SignInRefused):
    """Too many wrong attempts from this registered number: the official signs in on a call from the station."""

    def __init__(self, official_id: int) -> None:
        super().__init__("base.sign_in.call_back_needed")
        self.official_id = official_id


@dataclass(frozen=True)
class Caller:
    """Where a PIN was keyed in: `number` is None when withheld; `called` if the station placed the call."""

    number: str | None
    line: str = ""
    called: bool = False


@dataclass(frozen=True)
class _Claim:
    """What an attempt claims, and the subjects that may refuse it or only count it."""

    official: Official | None
    shown: str
    is_registered: bool
    checked: tuple[Subject, ...]
    also_counted: tuple[Subject, ...] = ()


class PhoneSignIn:
    """Checks PINs and records each attempt, in transactions of its own."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def sign_in(self, caller: Caller, code: str | None, pin: str, at: datetime.datetime | None = None) -> Official:
        """Return the authenticated official; `code` is None to identify by the caller's number.

        Blocks for the time of a hash. Raises WrongPin, LockedOut or CallBackNeeded.
        """
        moment = at or now()
        with self._database.session() as session:
            claim = _claim(session, caller, code)
            attempt = begin(session, self._vault, claim.checked, moment, also_counted=claim.also_counted)
        if isinstance(attempt, Refusal):
            if claim.is_registered and claim.official and not caller.called:
                raise CallBackNeeded(claim.official.id)
            raise LockedOut("base.sign_in.locked_out", minutes=LOCK // datetime.timedelta(minutes=1))
        right = secret_matches(claim.official.pin_hash if claim.official else None, pin)
        with self._database.session() as session:
            if right and claim.official:
                succeeded(session, self._vault, attempt)
                audit.record(session, "switchboard", RIGHT, claim.shown)
                return claim.official
            self._failed(session, claim, attempt)
        raise WrongPin("base.sign_in.wrong")

    def _failed(self, session: Session, claim: _Claim, attempt: Attempt) -> None:
        audit.record(session, "switchboard", WRONG, claim.shown)
        for subject in refused_now(session, self._vault, attempt):
            raise_alarm(
                session,
                AlarmKind.SIGN_IN_LOCKED,
                subject.shown,
                message(
                    "base.sign_in.locked",
                    count=subject.rule.limit,
                    minutes=LOCK // datetime.timedelta(minutes=1),
                ),
            )
            audit.record(session, "switchboard", "sign_in.locked", subject.shown)


def lift_locks(session: Session, vault: Vault, official: Official) -> None:
    """Forget the failed attempts for an official, and close the alarms about them."""
    lift(session, vault, official_identity(official.code))
    for phone in official.phones:
        alarm_is_over(session, AlarmKind.SIGN_IN_LOCKED, _masked_caller(phone.number))


def _claim(session: Session, caller: Caller, code: str | None) -> _Claim:
    registered = official_with_phone(session, caller.number) if caller.number else None
    official = registered if code is None else session.scalar(sa.select(Official).where(Official.code == code))
    shown = official_identity(official.code) if official else UNKNOWN_CODE
    is_registered = official is not None and official is registered
    if official is not None and is_registered and caller.called:
        subject = Subject(f"called:{official.code}", Lock(TRIES), shown, identity=shown)
        return _Claim(official, shown, is_registered, (subject,))
    name = official_identity(official.code if official else code or "")
    identity = (Subject(name, Lock(TRIES), shown, identity=name),) if official or code else ()
    of = shown if is_registered else ""
    origin = (
        (Subject(f"caller:{caller.number}", Lock(TRIES), _masked_caller(caller.number), identity=of),)
        if caller.number
        else ()
    )
    shared = (
        Subject(f"line:{caller.line}", Lock(LINE_TRIES), f"line:{caller.line}", own=False),
        Subject("station", Lock(STATION_TRIES), "station", own=False),
    )
    if is_registered:
        return _Claim(official, shown, is_registered, (*origin, *shared), identity)
    strangers = Subject("strangers", Lock(STRANGERS_TRIES), "strangers", own=False)
    return _Claim(official, shown, is_registered, (*identity, *origin, strangers, *shared))


def _masked_caller(number: str) -> str:
    return f"caller:{masked(number)}"
