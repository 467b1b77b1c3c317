"""Registry of citizens: numbers encrypted at rest and found by a keyed hash (HMAC-SHA-256, RFC 2104).

The key of the hash is a file in the home's `secrets/`. Without it the table cannot be searched by trying every possible
number.
"""

import datetime
import re
import secrets
import unicodedata
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.models import Citizen
from haichieu.phone_numbers import normalise
from haichieu.vault import NUMBERS_KEY, Vault, keyed_digest, open_vault, station_secret

_TYPED_NUMBER = re.compile(r"[+(]?[0-9][0-9 .()/\N{EN DASH}\-]{5,30}", re.ASCII)


class CitizenBook:
    """Finds and adds citizens by number. Numbers are E.164 where possible (`haichieu.phone_numbers`)."""

    def __init__(self, vault: Vault, key: bytes) -> None:
        self._vault = vault
        self._key = key

    def digest(self, number: str) -> str:
        """Return the keyed hash of a number."""
        return keyed_digest(self._key, number)

    def find(self, session: Session, number: str) -> Citizen | None:
        """Return the citizen with this number, None for one who never called or wrote."""
        return session.scalar(sa.select(Citizen).where(Citizen.number_hash == self.digest(number)))

    def look_up(self, session: Session, typed: str) -> Citizen | None:
        """Return the citizen whose number a person has typed, in any spelling; None for any other text."""
        number = read_typed_number(typed)
        return self.find(session, number) if number else None

    def meet(self, session: Session, number: str, at: datetime.datetime) -> Citizen:
        """Return the citizen with this number, adding the row when it is new."""
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
        """Return the number in clear, for dialling, texting and users who may see it."""
        return self._vault.unlock(citizen.number_locked)

    def lock(self, number: str) -> str:
        """Encrypt a number, for a row that is dialled later."""
        return self._vault.lock(number)

    def unlock(self, locked: str) -> str:
        """Decrypt a number."""
        return self._vault.unlock(locked)

    def locks(self, locked: str, number: str) -> bool:
        """Return whether this is the number, encrypted; one that cannot be read is not."""
        return self._vault.try_unlock(locked) == number


def read_typed_number(typed: str) -> str | None:
    """Return a number that a person has typed, in any spelling, as E.164 where it is one; None for any other text."""
    text = unicodedata.normalize("NFKC", typed).strip()
    return normalise(re.sub(r"[^0-9+]", "", text)) if _TYPED_NUMBER.fullmatch(text) else None


def open_citizens(home: Path) -> CitizenBook:
    """Open the registry of the station in `home`, making its key on first use (mode 0600)."""
    return CitizenBook(open_vault(home), station_secret(home, NUMBERS_KEY, lambda: secrets.token_bytes(32)))
