"""Random proofs of a login or a token, and the digests by which the database knows them."""

import hashlib
import secrets

BYTES = 32


def new_proof(prefix: str = "") -> str:
    """256 random bits as text, after a prefix that says what it is for."""
    return prefix + secrets.token_urlsafe(BYTES)


def digest_of(proof: str) -> str:
    """What the database keeps of a proof."""
    return hashlib.sha256(proof.encode()).hexdigest()
