"""Hashing of stored sounds, which takes seconds for a long one and must hold no lock of the database."""

from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import QueuePool

from haichieu import media
from haichieu.database import Database


def refuse_hashing_in_transactions(monkeypatch: pytest.MonkeyPatch, database: Database) -> list[Path]:
    """Let hashing fail while a transaction of this database is open; return the files that were hashed."""
    hashed: list[Path] = []
    digest_of = media.digest_of

    def watched(file: Path) -> str:
        assert cast("QueuePool", database.engine.pool).checkedout() == 0
        hashed.append(file)
        return digest_of(file)

    monkeypatch.setattr(media, "digest_of", watched)
    return hashed
