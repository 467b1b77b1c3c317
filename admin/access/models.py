"""The tables of access: logins at browsers, second factors, recovery codes, API tokens.

What proves a login or a token stands here as a SHA-256 digest only: it is 256 random bits, so no slow hash is needed,
and who reads the table can use none of it.
"""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from haichieu.database import Base
from haichieu.people import Account


class WebSession(Base):
    """One login at one browser, from the right password to logging out, revocation or its time limit.

    `password_mark` is a mark of the account's password hash: another password, however it came, ends every login made
    with the one before. `kept_form` is what somebody had typed when the login before this one ended.
    """

    __tablename__ = "web_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    token_digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    password_mark: Mapped[str] = mapped_column(sa.String(64))
    address: Mapped[str] = mapped_column(sa.String(60))
    browser: Mapped[str] = mapped_column(sa.String(200))
    created_at: Mapped[datetime.datetime]
    seen_at: Mapped[datetime.datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime.datetime | None]
    kept_form: Mapped[dict[str, Any]] = mapped_column(default=dict)

    account: Mapped[Account] = relationship()


class SecondFactor(Base):
    """The secret of an account's one-time codes (TOTP, RFC 6238), in use once `confirmed_at` is set.

    `last_step` is the time step of the code used last: no code is taken twice.
    """

    __tablename__ = "second_factors"

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    secret_locked: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime.datetime]
    confirmed_at: Mapped[datetime.datetime | None]
    last_step: Mapped[int] = mapped_column(default=0)


class RecoveryCode(Base):
    """A code for the day the phone is lost; it works once."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(sa.String(64))
    used_at: Mapped[datetime.datetime | None]


class ApiToken(Base):
    """A named key to the API with the rights of its account; `hint` is its beginning, to know it by in a list."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    hint: Mapped[str] = mapped_column(sa.String(12))
    token_digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime.datetime]
    last_used_at: Mapped[datetime.datetime | None]
    revoked_at: Mapped[datetime.datetime | None]

    account: Mapped[Account] = relationship()


class SentForm(Base):
    """A form that is being dealt with, or was: the digest of what was sent, and the page that it `led_to`."""

    __tablename__ = "sent_forms"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    sent_at: Mapped[datetime.datetime] = mapped_column(index=True)
    led_to: Mapped[str] = mapped_column(sa.Text, default="")
