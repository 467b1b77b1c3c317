"""Three nodes for all tests of this folder; a test that moves a loudspeaker or stops a node puts it back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.cluster.province import CODES, Province, province
from tests.station.stations import cut_speeches


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a human voice."""
    return cut_speeches(tmp_path_factory.mktemp("cluster-speech"))["demo-congrats"]


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def running_province(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Province]:
    async with province(tmp_path_factory.mktemp("province")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def cluster(running_province: Province) -> Province:
    """The province with every node up and every loudspeaker freshly at its node."""
    for name, code in CODES.items():
        if running_province.nodes[name].process is None:
            await running_province.nodes[name].start()
        await running_province.speaker(code, name)
    return running_province
