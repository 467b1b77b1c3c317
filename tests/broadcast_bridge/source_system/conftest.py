from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from broadcast_bridge.source_system.province import Province
from haichieu.database import Database
from tests.broadcast_bridge.source_system.link import Link, link_to


@pytest.fixture
async def server() -> AsyncIterator[tuple[TestServer, Province]]:
    """A province and its server."""
    province = Province()
    serving = TestServer(province.app)
    await serving.start_server()
    yield serving, province
    province.may_answer.set()
    await serving.close()


@pytest.fixture
def dialect() -> str:
    return "neutral"


@pytest.fixture
def link(database: Database, server: tuple[TestServer, Province], tmp_path: Path, dialect: str) -> Link:
    return link_to(database, *server, tmp_path, dialect)
