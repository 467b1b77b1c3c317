"""Idempotency keys: a request that a program sends again makes nothing twice.

The key is written in the transaction that makes the object, so both exist or neither. A concurrent request with the
same key waits for that transaction, fails at the unique digest, and returns the first object. A refused request leaves
no key.
"""

import datetime
import hashlib
import re
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from flask import g, request
from pydantic import BaseModel
from sqlalchemy.orm import Session

from admin.access.models import IdempotencyKey
from admin.access.visitors import visitor
from admin.panel import Panel
from haichieu.database import now
from haichieu.errors import UsageError

HEADER = "Idempotency-Key"
LONGEST = 255
KEPT = datetime.timedelta(days=1)
Answer = TypeVar("Answer", bound=BaseModel)


class InvalidKey(UsageError):
    """The key is empty or too long, or has other signs than visible ASCII."""

    http_status = 400


class KeyReused(UsageError):
    """The key was sent before with another body."""

    http_status = 422


def once(panel: Panel, body: BaseModel | None, act: Callable[[], Answer], show: Callable[[int], Answer]) -> Answer:
    """Return the answer of `act`, or of `show` for the object that a request with the same key has made.

    `act` must call `remember` in the transaction that makes the object. Raises InvalidKey, KeyReused, and whatever
    `act` raises.
    """
    value = request.headers.get(HEADER)
    if value is None:
        return act()
    if not re.fullmatch(f"[!-~]{{1,{LONGEST}}}", value):
        raise InvalidKey("api.key_invalid", most=LONGEST)
    key = _key(value, body)
    if (made := _made(panel, key)) is not None:
        return _shown(show, made)
    g.idempotency_key = key
    try:
        return act()
    except Exception:
        if (made := _made(panel, key)) is None:
            raise
        return _shown(show, made)
    finally:
        g.idempotency_key = None


def remember(session: Session, made: int) -> None:
    """Store the key of this request, if it has one, with the id of what the request makes."""
    key: IdempotencyKey | None = g.get("idempotency_key")
    if key is None:
        return
    session.execute(sa.delete(IdempotencyKey).where(IdempotencyKey.sent_at < key.sent_at - KEPT))
    session.add(
        IdempotencyKey(
            digest=key.digest, account_id=key.account_id, content=key.content, made=made, sent_at=key.sent_at
        )
    )
    session.flush()


def _shown(show: Callable[[int], Answer], made: int) -> Answer:
    g.units_were_checked = True  # by the first request
    return show(made)


def _made(panel: Panel, key: IdempotencyKey) -> int | None:
    """Return what the first request with this key made, if there is one. Raises KeyReused."""
    with panel.database.reading() as session:
        first = session.get(IdempotencyKey, key.digest)
        if first is None or first.sent_at < now() - KEPT:
            return None
        if first.content != key.content:
            raise KeyReused("api.key_reused")
        return first.made


def _key(value: str, body: BaseModel | None) -> IdempotencyKey:
    account_id = visitor().account.id
    content = "" if body is None else body.model_dump_json()
    return IdempotencyKey(
        digest=_digest(str(account_id), request.path, value),
        account_id=account_id,
        content=_digest(value, content),
        sent_at=now(),
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
