"""Encryption of a backup with a passphrase: AES-256-GCM in chunks, under a key derived by scrypt (RFC 7914).

The file is a magic number, a random salt, and the chunks. The nonce of a chunk is its number and whether it is the
last one, so that chunks cannot be exchanged, repeated or left out, and a truncated file is recognised.
"""

import io
import os
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from haichieu.backup.errors import BackupDamaged, PassphraseNeeded

MAGIC = b"HaiChieuBackup1\n"
_SALT = 16
_CHUNK = 1 << 20
_TAG = 16
_COST = 1 << 17
"""Scrypt's N with r=8, p=1: 128 MB and about 0.4 s per guess, as OWASP recommends."""


class EncryptingWriter:
    """Writes what it is given, encrypted, to a file; `close` writes the last chunk and leaves the file open."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        salt = os.urandom(_SALT)
        self._file = file
        self._cipher = _Cipher(passphrase, salt)
        self._waiting = bytearray()
        file.write(MAGIC + salt)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Encrypt every chunk that is full and certainly not the last."""
        self._waiting += data
        while len(self._waiting) > _CHUNK:
            self._file.write(self._cipher.encrypt(bytes(self._waiting[:_CHUNK]), last=False))
            del self._waiting[:_CHUNK]
        return len(data)

    def flush(self) -> None:
        """Do nothing: a chunk is written when it is full."""

    def close(self) -> None:
        """Write the last chunk."""
        self._file.write(self._cipher.encrypt(bytes(self._waiting), last=True))


class DecryptingReader(io.RawIOBase):
    """Reads an encrypted file in clear; the magic number has been read. Raises BackupDamaged or PassphraseNeeded."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        super().__init__()
        self._file = file
        self._cipher = _Cipher(passphrase, file.read(_SALT))
        self._next = file.read(_CHUNK + _TAG)
        self._clear = memoryview(b"")
        self._first = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        if not self._clear and self._next is not None:
            self._clear = memoryview(self._decrypt())
        count = min(len(buffer), len(self._clear))
        buffer[:count] = self._clear[:count]
        self._clear = self._clear[count:]
        return count

    def _decrypt(self) -> bytes:
        chunk, self._next = self._next, self._file.read(_CHUNK + _TAG)
        if not chunk:
            return b""
        try:
            clear = self._cipher.decrypt(chunk, last=not self._next)
        except InvalidTag as problem:
            if self._first:
                raise PassphraseNeeded("backup.wrong_passphrase") from problem
            raise BackupDamaged("backup.damaged") from problem
        self._first = False
        return clear


class _Cipher:
    def __init__(self, passphrase: str, salt: bytes) -> None:
        key = Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(passphrase.encode())
        self._cipher = AESGCM(key)
        self._header = MAGIC + salt
        self._number = 0

    def encrypt(self, clear: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last=last), clear, self._header)

    def decrypt(self, chunk: bytes, *, last: bool) -> bytes:
        return self._cipher.decrypt(self._nonce(last=last), chunk, self._header)

    def _nonce(self, *, last: bool) -> bytes:
        """Return a nonce that no other chunk under this key has: the key belongs to one file."""
        self._number += 1
        return self._number.to_bytes(11, "big") + bytes([last])
