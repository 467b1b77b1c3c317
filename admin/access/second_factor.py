"""One-time codes of an authenticator app (TOTP, RFC 6238) and recovery codes."""

import datetime
import hmac
import io
import secrets

import pyotp
import segno
import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.models import RecoveryCode, SecondFactor
from admin.access.proofs import digest_of
from haichieu import audit
from haichieu.people import Account
from haichieu.vault import Vault

STEP_SECONDS = 30
DRIFT = 1
"""Codes of the previous and next step are accepted, because clocks differ (RFC 6238 §5.2)."""
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_RECOVERY_LENGTH = 12


def is_on(session: Session, account_id: int) -> bool:
    """Return whether an account must enter a code."""
    factor = session.get(SecondFactor, account_id)
    return factor is not None and factor.confirmed_at is not None


def prepare(session: Session, vault: Vault, account: Account, at: datetime.datetime) -> str:
    """Return the secret to scan, the same until it is confirmed; codes are not required yet."""
    factor = session.get(SecondFactor, account.id)
    if factor is None:
        secret: str = pyotp.random_base32()
        session.add(SecondFactor(account_id=account.id, secret_locked=vault.lock(secret), created_at=at))
        session.flush()
        return secret
    return vault.unlock(factor.secret_locked)


def confirm(session: Session, vault: Vault, account: Account, code: str, at: datetime.datetime) -> list[str] | None:
    """Turn codes on when `code` is right; return the recovery codes, which are never shown again."""
    factor = session.get(SecondFactor, account.id)
    if factor is None or factor.confirmed_at is not None or not _takes(factor, vault, code, at):
        return None
    factor.confirmed_at = at
    audit.record(session, f"account:{account.email}", "second_factor.on", f"account:{account.email}")
    return _new_recovery_codes(session, account.id)


def switch_off(session: Session, account: Account, who: str) -> None:
    """Turn codes off for an account."""
    session.execute(sa.delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    session.execute(sa.delete(SecondFactor).where(SecondFactor.account_id == account.id))
    audit.record(session, who, "second_factor.off", f"account:{account.email}")


def code_is_right(session: Session, vault: Vault, account_id: int, code: str, at: datetime.datetime) -> bool:
    """Return whether a code of the app or a recovery code is right; this uses it up."""
    factor = session.get(SecondFactor, account_id, with_for_update=True)
    if factor is None or factor.confirmed_at is None:
        return False
    if _takes(factor, vault, code, at):
        return True
    digest = digest_of(_plain(code))
    for kept in session.scalars(
        sa.select(RecoveryCode).where(RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None))
    ):
        if hmac.compare_digest(kept.digest, digest):
            kept.used_at = at
            return True
    return False


def recovery_codes_left(session: Session, account_id: int) -> int:
    """Return the number of unused recovery codes."""
    return session.scalars(
        sa.select(sa.func.count(RecoveryCode.id)).where(
            RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None)
        )
    ).one()


def qr_code(secret: str, account: Account, station: str) -> str:
    """Return the QR code for an authenticator app as SVG."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=account.email, issuer_name=station)
    image = io.BytesIO()
    segno.make(uri, error="m").save(image, kind="svg", omitsize=True, border=2, xmldecl=False, light="#fff")
    return image.getvalue().decode()


def _takes(factor: SecondFactor, vault: Vault, code: str, at: datetime.datetime) -> bool:
    """Return whether the code belongs to a nearby step later than the last used one; this uses it up."""
    codes = pyotp.TOTP(vault.unlock(factor.secret_locked))
    present = int(at.timestamp()) // STEP_SECONDS
    given = _plain(code)
    for step in range(present - DRIFT, present + DRIFT + 1):
        if step > factor.last_step and hmac.compare_digest(codes.generate_otp(step), given):
            factor.last_step = step
            return True
    return False


def _new_recovery_codes(session: Session, account_id: int) -> list[str]:
    session.execute(sa.delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(_RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(account_id=account_id, digest=digest_of(code)) for code in codes)
    return ["-".join((code[:4], code[4:8], code[8:])) for code in codes]


def _plain(code: str) -> str:
    """Return a typed code without spaces and hyphens."""
    return code.translate({ord(sign): None for sign in " -"}).lower().encode("ascii", "ignore").decode()
