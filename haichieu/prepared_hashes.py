"""Hashes of PINs and passwords made before the transaction that stores them: hashing takes long on purpose."""

from haichieu.vault import hash_secret, secret_matches


class PreparedHashes:
    """Finds the hash to store for a secret; the stored one stays while it is a hash of the same secret.

    With `pretend` nothing is hashed: for a transaction that is rolled back.
    """

    def __init__(self, *, pretend: bool = False) -> None:
        self._pretend = pretend
        self._prepared: dict[tuple[str, str], str] = {}

    def prepare(self, stored: str | None, secret: str) -> None:
        """Make the hash of a secret; call it outside of transactions. `stored` is the present hash, if any."""
        if not self._pretend:
            self._prepared[stored or "", secret] = _hash_for(stored, secret)

    def keep(self, stored: str, secret: str) -> None:
        """Leave the stored hash, whatever the secret is."""
        self._prepared[stored, secret] = stored

    def of(self, stored: str | None, secret: str) -> str:
        """Return the hash; made now only when the row changed since it was prepared."""
        if (prepared := self._prepared.get((stored or "", secret))) is not None:
            return prepared
        return "not hashed" if self._pretend else _hash_for(stored, secret)


def _hash_for(stored: str | None, secret: str) -> str:
    return stored if stored and secret_matches(stored, secret) else hash_secret(secret)
