"""Secrets: PINs and passwords as hashes, and the few that must be read back, encrypted.

Read back are SIP passwords (shown to the installer) and the emergency PIN (written for Asterisk).
The key is one file of the station's home that only its user may read.
"""

import contextlib
import hashlib
import hmac
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from cryptography.fernet import Fernet, InvalidToken

from haichieu.errors import EnvironmentProblem, SettingsError

STATION_KEY = "station.key"
NUMBERS_KEY = "numbers.key"
"""Keys in the home's `secrets/` without which a database is of no use; see `station_keys`."""

# A PIN is short, so its hash must be slow: 19 MiB, two passes (the OWASP floor for Argon2id), about 30 ms here.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_HASH_OF_NOTHING = _hasher.hash(os.urandom(16).hex())


def hash_secret(secret: str) -> str:
    """Return the Argon2id hash (RFC 9106) of a PIN or password."""
    return _hasher.hash(secret)


def secret_matches(hashed: str | None, secret: str) -> bool:
    """Return whether `secret` matches the hash. With `None` it takes as long and returns False.

    So response times do not reveal whether a staff code exists.
    """
    try:
        return _hasher.verify(hashed or _HASH_OF_NOTHING, secret) and hashed is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


class Vault:
    """Encrypts and decrypts small secrets with the station's key (Fernet: AES-128-CBC with HMAC-SHA256)."""

    def __init__(self, key: bytes) -> None:
        try:
            self._fernet = Fernet(key)
        except ValueError as problem:
            raise SettingsError("base.vault.broken_key") from problem
        self._digest_key = hmac.digest(key, b"digests", hashlib.sha256)  # never the keys that encrypt

    def lock(self, secret: str) -> str:
        """Return the secret encrypted, as text."""
        return self._fernet.encrypt(secret.encode()).decode()

    def digest(self, text: str) -> str:
        """Return a keyed hash (HMAC-SHA-256, RFC 2104): without the key, nobody finds the text by trying all."""
        return hmac.new(self._digest_key, text.encode(), hashlib.sha256).hexdigest()

    def unlock(self, locked: str) -> str:
        """Return the secret in clear; raises EnvironmentProblem when another key locked it."""
        try:
            return self._fernet.decrypt(locked.encode()).decode()
        except InvalidToken as problem:
            raise EnvironmentProblem("base.vault.wrong_key") from problem

    def try_unlock(self, locked: str) -> str | None:
        """Return the secret in clear, None when another key locked it or it is damaged."""
        try:
            return self.unlock(locked)
        except EnvironmentProblem:
            return None


def open_vault(home: Path) -> Vault:
    """Open the vault of the station in `home`, making its key on first use (mode 0600)."""
    return Vault(station_secret(home, STATION_KEY, Fernet.generate_key))


def keyed_digest(key: bytes, text: str) -> str:
    """Return HMAC-SHA-256 (RFC 2104) in hexadecimal: finds a text without storing it."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def station_secret(home: Path, name: str, make: Callable[[], bytes]) -> bytes:
    """Read `<home>/secrets/<name>`, or make it once with `make()`; only the station's user may read it."""
    path = home / "secrets" / name
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f".{name}.", dir=path.parent)  # made with mode 0600
    with os.fdopen(descriptor, "wb") as file:
        file.write(make())
        file.flush()
        os.fsync(file.fileno())
    # link, not rename: when two processes start together, both use the first one's key
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    Path(draft).unlink()
    return path.read_bytes()
