"""Hashes of PINs and passwords that cost nothing: a real one takes 30 ms on purpose, and tests make thousands."""

import os

import pytest
from argon2 import PasswordHasher

from haichieu import vault

REAL = vault._hasher


def use_cheap_hashes() -> None:
    """Make this process hash with the least work that Argon2 allows, and check what it hashed as cheaply."""
    vault._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    vault._HASH_OF_NOTHING = vault.hash_secret(os.urandom(16).hex())


@pytest.fixture
def real_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash as the station does."""
    monkeypatch.setattr(vault, "_hasher", REAL)
