"""PIN sign-in by phone, with lockout after repeated failures.

Five wrong PINs within 15 minutes, for one official or from one caller, lock that official or caller
for 15 minutes and raise an alarm. The panel's logins (`admin.access.sign_in`) follow the same rule.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu import audit
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import Base, now
from haichieu.errors import HaiChieuError
from haichieu.locale import message
from haichieu.people import Official, official_with_phone
from haichieu.phone_numbers import masked
from haichieu.vault import secret_matches

WRONG_TRIES = 5
WINDOW = datetime.timedelta(minutes=15)
LOCK = datetime.timedelta(minutes=15)


class SignInRefused(HaiChieuError):
    """The caller may not sign in."""


class WrongPin(SignInRefused):
    """The PIN or the staff code is wrong; the caller does not learn which."""


class LockedOut(SignInRefused):
    """Too many wrong attempts for this official or from this caller; even the right PIN is refused for now."""


class SignInAttempt(Base):
    """One attempt to sign in. The subject is an identity or an origin: `official:1001`, `caller:+84…`,
    `account:a@b`, `address:192.0.2.7`.
    """

    __tablename__ = "sign_in_attempts"
    __table_args__ = (sa.Index("ix_sign_in_attempts_subject_at", "subject", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(120))
    at: Mapped[datetime.datetime]
    succeeded: Mapped[bool]


def sign_in(
    session: Session, caller: str | None, code: str | None, pin: str, at: datetime.datetime | None = None
) -> Official:
    """Return the authenticated official; `code` is the staff code, None to identify by the caller's number.

    Raises LockedOut or WrongPin. The attempt is only recorded when the caller's transaction commits, so
    call it through `attempt_sign_in`, which commits refusals too.
    """
    moment = at or now()
    if code is not None:
        official = session.scalar(sa.select(Official).where(Official.code == code))
    else:
        official = official_with_phone(session, caller) if caller else None
    subjects = [f"official:{official.code if official else code}"] if official or code else []
    if caller:
        subjects.append(f"caller:{caller}")
    if any(is_locked(session, subject, moment) for subject in subjects):
        raise LockedOut("base.sign_in.locked_out", minutes=LOCK // datetime.timedelta(minutes=1))
    right = secret_matches(official.pin_hash if official else None, pin)
    for subject in subjects:
        session.add(SignInAttempt(subject=subject, at=moment, succeeded=right))
    session.flush()
    if right and official:
        return official
    for subject in subjects:
        if is_locked(session, subject, moment):
            shown = subject if subject.startswith("official:") else f"caller:{masked(caller)}"
            raise_alarm(
                session,
                AlarmKind.SIGN_IN_LOCKED,
                shown,
                message("base.sign_in.locked", count=WRONG_TRIES, minutes=LOCK // datetime.timedelta(minutes=1)),
            )
            audit.record(session, "switchboard", "sign_in.locked", shown)
    raise WrongPin("base.sign_in.wrong")


def attempt_sign_in(
    session: Session, caller: str | None, code: str | None, pin: str, at: datetime.datetime | None = None
) -> Official | SignInRefused:
    """As `sign_in`, but return the refusal, so that the failed attempt is committed."""
    try:
        return sign_in(session, caller, code, pin, at)
    except SignInRefused as refusal:
        return refusal


def is_locked(session: Session, subject: str, moment: datetime.datetime, tries_allowed: int = WRONG_TRIES) -> bool:
    """Return whether enough wrong attempts since the last right one, within the window, lock the subject."""
    last_right = session.scalar(
        sa.select(sa.func.max(SignInAttempt.at)).where(
            SignInAttempt.subject == subject, SignInAttempt.succeeded.is_(True)
        )
    )
    tries = sa.select(SignInAttempt.at).where(
        SignInAttempt.subject == subject,
        SignInAttempt.succeeded.is_(False),
        SignInAttempt.at > moment - WINDOW - LOCK,
        SignInAttempt.at <= moment,
    )
    if last_right is not None:
        tries = tries.where(SignInAttempt.at > last_right)
    wrong = sorted(session.scalars(tries))
    return any(
        wrong[i + tries_allowed - 1] - wrong[i] <= WINDOW and moment < wrong[i + tries_allowed - 1] + LOCK
        for i in range(len(wrong) - tries_allowed + 1)
    )
