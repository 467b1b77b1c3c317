"""The station that pages and API are tested with, and the browser that looks at its pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from haichieu.database import Database
from haichieu.media import MediaStore
from tests.admin.browsing import chromium, page, view
from tests.admin.served import Served, served
from tests.builders.house import House, SharedApplication

__all__ = ["chromium", "page", "view"]


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory) -> SharedApplication:
    return SharedApplication(tmp_path_factory.mktemp("application"))


@pytest.fixture
def house(database: Database, tmp_path: Path, application: SharedApplication) -> House:
    return application.build(database, tmp_path)


@pytest.fixture
def store(house: House) -> MediaStore:
    return house.store


@pytest.fixture(scope="session")
def web(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The only web process of a worker; what it serves is replaced for every module."""
    with served(migrated_sqlite, tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture(scope="module")
def station(web: Served, migrated_sqlite: Path) -> Served:
    """A served station with what every house begins with; modules add to it."""
    web.begin_again(migrated_sqlite)
    return web
