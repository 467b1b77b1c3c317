"""A migrated, empty database of each kind that the station runs on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from haichieu.database import Database, migrate
from tests.cheap_engines import use_cheap_engines
from tests.every_table import load_every_table

load_every_table()
use_cheap_engines()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database that every test gets a copy of: migrating takes longer than most tests."""
    file = tmp_path_factory.mktemp("template") / "station.sqlite"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Run the test on SQLite, and on a real PostgreSQL where it is marked `both_databases` or HAICHIEU_PROOF is set."""
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "station.sqlite")
        url = f"sqlite:///{file}"
    else:
        url = request.getfixturevalue("postgres_cluster").emptied()
    found = Database(url)
    yield found
    found.close()
