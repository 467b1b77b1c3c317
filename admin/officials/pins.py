"""New PINs: made here, shown once on a paper slip, kept as a hash."""

import secrets

from sqlalchemy.orm import Session

from haichieu import audit
from haichieu.people import Official
from haichieu.vault import hash_secret

LENGTH = 6
_RUNS = "01234567890 98765432109"


def new_pin() -> str:
    """A PIN that is not one of those which everybody tries first."""
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(LENGTH))
        if len(set(pin)) > 2 and pin not in _RUNS:
            return pin


def reset_pin(session: Session, official: Official, who: str) -> str:
    """Give an official another PIN; return it, for nobody can read it again."""
    pin = new_pin()
    official.pin_hash = hash_secret(pin)
    audit.record(session, who, "official.pin", f"official:{official.code}")
    return pin
