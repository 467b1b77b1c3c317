"""A migrated, empty database of each kind that the station runs on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from haichieu.database import Database, migrate
from tests.every_table import load_every_table

load_every_table()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Run the test once on SQLite and once on a real PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'station.sqlite'}"
        migrate(url)
    else:
        url = request.getfixturevalue("postgres_url")
    found = Database(url)
    yield found
    found.close()
