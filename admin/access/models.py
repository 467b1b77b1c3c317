"""Tables of access: sessions, second factors, recovery codes, API tokens, forms and requests that were sent.

Proofs of sessions and tokens are stored as SHA-256 digests only: they are 256 random bits, so no slow hash is needed,
and the table is useless to anyone who reads it.
"""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from haichieu.database import Base
from haichieu.people import Account


class WebSession(Base):
    """One session of one browser, from sign-in until sign-out, revocation or its time limit.

    `password_mark` is a digest of the account's password hash: a changed password ends every earlier session.
    `kept_form` is what the user had typed when the previous session expired.
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
    """Secret of an account's one-time codes (TOTP, RFC 6238), in use once `confirmed_at` is set.

    `last_step` is the time step of the last accepted code: no code is accepted twice.
    """

    __tablename__ = "second_factors"

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    secret_locked: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime.datetime]
    confirmed_at: Mapped[datetime.datetime | None]
    last_step: Mapped[int] = mapped_column(default=0)


class RecoveryCode(Base):
    """A single-use code that replaces the phone."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(sa.String(64))
    used_at: Mapped[datetime.datetime | None]


class ApiToken(Base):
    """A named API token: the rights of its account that are in `scope`, until `expires_at` or another password.

    `hint` is its beginning, to recognise it in a list; `password_mark` is as in `WebSession`.
    """

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    hint: Mapped[str] = mapped_column(sa.String(12))
    token_digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    password_mark: Mapped[str] = mapped_column(sa.String(64))
    scope: Mapped[list[str]]
    created_at: Mapped[datetime.datetime]
    expires_at: Mapped[datetime.datetime]
    last_used_at: Mapped[datetime.datetime | None]
    revoked_at: Mapped[datetime.datetime | None]

    account: Mapped[Account] = relationship()


class SentForm(Base):
    """A form in progress or processed: the digest of its content, and the page that it `led_to`.

    `done` is written in the transaction that does what the form asks for.
    """

    __tablename__ = "sent_forms"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    sent_at: Mapped[datetime.datetime] = mapped_column(index=True)
    led_to: Mapped[str] = mapped_column(sa.Text, default="")
    done: Mapped[bool] = mapped_column(default=False)


class IdempotencyKey(Base):
    """A request of the API with a key: digests of the key and of the body, and the id of what it `made`."""

    __tablename__ = "idempotency_keys"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    content: Mapped[str] = mapped_column(sa.String(64))
    made: Mapped[int]
    sent_at: Mapped[datetime.datetime] = mapped_column(index=True)
