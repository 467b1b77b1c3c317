"""The station that pages and API are tested with."""

from pathlib import Path

import pytest

from haichieu.database import Database
from tests.admin.house import House, build


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return build(database, tmp_path)
