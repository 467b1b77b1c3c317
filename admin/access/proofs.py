"""Random proofs of sessions and tokens, and the digests that the database stores."""

import hashlib
import secrets

BYTES = 32


def new_proof(prefix: str = "") -> str:
    """Return 256 random bits as text, after a prefix that names their purpose."""
    return prefix + secrets.token_urlsafe(BYTES)


def digest_of(proof: str) -> str:
    """Return the digest of a proof."""
    return hashlib.sha256(proof.encode()).hexdigest()
