"""PINs of officials: generated for a paper slip or chosen by phone, stored as hashes."""

import re
import secrets

from sqlalchemy.orm import Session

from haichieu import audit
from haichieu.errors import HaiChieuError
from haichieu.people import Official
from haichieu.vault import hash_secret

LENGTH = 6
_FORM = re.compile(r"[0-9]{4,12}")
_RUNS = "01234567890 98765432109"


class SimplePin(HaiChieuError):
    """The PIN is easy to guess, or does not have 4 to 12 digits."""

    def __init__(self) -> None:
        super().__init__("base.pin_too_simple")


def new_pin() -> str:
    """Return a random PIN that is not easy to guess."""
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(LENGTH))
        if not is_simple(pin):
            return pin


def is_simple(pin: str) -> bool:
    """Return whether a PIN is easy to guess: a run of keys, or only one or two different digits."""
    return not _FORM.fullmatch(pin) or len(set(pin)) <= 2 or pin in _RUNS


def reset_pin(session: Session, official: Official, who: str) -> str:
    """Give an official a new PIN and return it: it cannot be read later."""
    pin = new_pin()
    _set_pin(session, official, pin, who)
    return pin


def choose_pin(session: Session, official: Official, pin: str) -> None:
    """Set the PIN that an official chose. Raises SimplePin."""
    if is_simple(pin):
        raise SimplePin
    _set_pin(session, official, pin, f"official:{official.code}")


def _set_pin(session: Session, official: Official, pin: str, who: str) -> None:
    official.pin_hash = hash_secret(pin)
    audit.record(session, who, "official.pin", f"official:{official.code}")
