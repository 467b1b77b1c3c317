"""PINs of officials: generated for a paper slip or chosen by phone, stored as hashes.

A PIN has six digits or more. Four are enough for officials with call-back verification only, since there a guessed
PIN alone puts nothing on air.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from haichieu import audit
from haichieu.database import Database
from haichieu.errors import HaiChieuError
from haichieu.people import Official
from haichieu.phone_sign_in import lift_locks
from haichieu.vault import Vault, hash_secret

LENGTH = 6
_FORM = re.compile(r"[0-9]{4,12}")
_RUNS = "01234567890 98765432109"


class PinRefused(HaiChieuError):
    """The PIN cannot be used."""


class SimplePin(PinRefused):
    """The PIN is easy to guess, or does not have 4 to 12 digits."""

    def __init__(self) -> None:
        super().__init__("base.pin_too_simple")


class ShortPin(PinRefused):
    """The PIN has fewer than six digits, and the official is not called back before going live."""

    def __init__(self) -> None:
        super().__init__("base.pin_too_short", digits=LENGTH)


@dataclass(frozen=True)
class PreparedPin:
    """A PIN with its hash, made before the transaction that stores it: hashing takes long on purpose."""

    pin: str = field(repr=False)
    hashed: str


def new_pin() -> str:
    """Return a random PIN that is not easy to guess."""
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(LENGTH))
        if not is_simple(pin):
            return pin


def is_simple(pin: str, known: Iterable[str] = ()) -> bool:
    """Return whether a PIN is easy to guess: a run of keys, one or two different digits, a repeated part, or a part
    of a `known` number of the official.
    """
    if not _FORM.fullmatch(pin) or len(set(pin)) <= 2 or pin in _RUNS or pin in (pin + pin)[1:-1]:
        return True
    return any(pin in number for number in known)


def is_short(pin: str) -> bool:
    """Return whether a PIN may be used with call-back verification only."""
    return len(pin) < LENGTH


def require_good_pin(pin: str, known: Iterable[str], *, call_back: bool) -> None:
    """Raise SimplePin or ShortPin unless an official may use this PIN."""
    if is_simple(pin, known):
        raise SimplePin
    if is_short(pin) and not call_back:
        raise ShortPin


def prepare_pin(pin: str) -> PreparedPin:
    """Hash a PIN; call it outside of transactions."""
    return PreparedPin(pin, hash_secret(pin))


def reset_pin(session: Session, vault: Vault, official: Official, prepared: PreparedPin, who: str) -> None:
    """Give an official another PIN, and lift the locks of sign-in."""
    official.pin_hash, official.short_pin = prepared.hashed, is_short(prepared.pin)
    lift_locks(session, vault, official)
    audit.record(session, who, "official.pin", f"official:{official.code}")


def choose_pin(database: Database, vault: Vault, official_id: int, pin: str) -> None:
    """Set the PIN that an official chose. Raises SimplePin or ShortPin."""
    with database.reading() as session:
        official = session.get_one(Official, official_id)
        numbers = [official.code, *(phone.number for phone in official.phones)]
        require_good_pin(pin, numbers, call_back=official.call_back)
    prepared = prepare_pin(pin)
    with database.session() as session:
        official = session.get_one(Official, official_id)
        reset_pin(session, vault, official, prepared, f"official:{official.code}")
