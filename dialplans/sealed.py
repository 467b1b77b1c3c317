"""Encryption of numbers and texts of citizens that the dialplan writes to the spool, under a key of the station.

Asterisk encrypts in ECB only. Each block of 16 bytes therefore begins with random digits, so that equal data do not
look alike, and carries eight bytes.
"""

import base64
import binascii
import secrets
import string
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from haichieu.vault import station_secret

SEALED_BLOCK = 24
"""Characters of one block, in base64."""

_BLOCK = 16
_RANDOM = 8
"""Random digits at the start of each block."""


def caller_key(home: Path) -> str:
    """Return the key with which the dialplan encrypts: 16 characters, as AES_ENCRYPT() requires."""
    return station_secret(home, "left-messages.key", _new_key).decode()


def unsealed(sealed: str, key: bytes) -> bytes | None:
    """Return the bytes in a sequence of blocks, without an unfinished last one; None when they are damaged."""
    ends = range(SEALED_BLOCK, len(sealed) + 1, SEALED_BLOCK)
    try:
        blocks = b"".join(base64.b64decode(sealed[end - SEALED_BLOCK : end], validate=True) for end in ends)
    except binascii.Error:
        return None
    if len(blocks) != len(ends) * _BLOCK:
        return None
    opener = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305
    clear = opener.update(blocks) + opener.finalize()
    return b"".join(clear[at + _RANDOM : at + _BLOCK].rstrip(b"\0") for at in range(0, len(clear), _BLOCK))


def _new_key() -> bytes:
    signs = string.ascii_letters + string.digits
    return "".join(secrets.choice(signs) for _ in range(_BLOCK)).encode()
