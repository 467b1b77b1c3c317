"""Who called or wrote: numbers encrypted at rest, and found by a keyed hash (HMAC-SHA-256, RFC 2104).

The key of the hash is a file of the home's `secrets/`, so that the table alone, where every possible number could be
tried, tells nothing.
"""

import datetime
import hashlib
import hmac
import secrets
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.models import Citizen
from haichieu.vault import Vault, open_vault, station_secret


class CitizenBook:
    """Finds and remembers citizens by number. Numbers are E.164 where they are such (`haichieu.phone_numbers`)."""

    def __init__(self, vault: Vault, key: bytes) -> None:
        self._vault = vault
        self._key = key

    def digest(self, number: str) -> str:
        """The keyed hash that a number is found by."""
        return hmac.new(self._key, number.encode(), hashlib.sha256).hexdigest()

    def find(self, session: Session, number: str) -> Citizen | None:
        """The citizen with this number, None when they never called or wrote."""
        return session.scalar(sa.select(Citizen).where(Citizen.number_hash == self.digest(number)))

    def meet(self, session: Session, number: str, at: datetime.datetime) -> Citizen:
        """The citizen with this number, remembered from now on."""
        citizen = self.find(session, number)
        if citizen is None:
            citizen = Citizen(
                number_hash=self.digest(number), number_locked=self.lock(number), created_at=at, seen_at=at
            )
            session.add(citizen)
            session.flush()
        citizen.seen_at = at
        return citizen

    def number_of(self, citizen: Citizen) -> str:
        """The number in clear: for dialling and texting, and for who may see it."""
        return self._vault.unlock(citizen.number_locked)

    def lock(self, number: str) -> str:
        """A number encrypted, for a row that must be able to dial it."""
        return self._vault.lock(number)

    def unlock(self, locked: str) -> str:
        """The number in clear again."""
        return self._vault.unlock(locked)


def open_citizens(home: Path) -> CitizenBook:
    """Open the book of the station in `home`, making its key on first use (mode 0600)."""
    return CitizenBook(open_vault(home), station_secret(home, "numbers.key", lambda: secrets.token_bytes(32)))
