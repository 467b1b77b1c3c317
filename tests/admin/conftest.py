"""The station that pages and API are tested with, and the browser that looks at its pages."""

from pathlib import Path

import pytest

from haichieu.database import Database
from haichieu.media import MediaStore
from tests.admin.browsing import chromium, page
from tests.builders.house import House, build

__all__ = ["chromium", "page"]


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return build(database, tmp_path)


@pytest.fixture
def store(house: House) -> MediaStore:
    return house.store
