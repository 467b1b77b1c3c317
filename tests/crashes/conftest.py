"""One station a module, with its speakers; a test that breaks it leaves it whole."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from haichieu.demo.trial_station import trial_station
from tests.station.conftest import speeches
from tests.station.district import write_district
from tests.station.listening import Scene
from tests.station.texting import texting

__all__ = ["speeches", "texting"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory, speeches: dict[str, Path]) -> AsyncIterator[Scene]:
    """A running station and two speakers."""
    folder = tmp_path_factory.mktemp("station")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        carrier_port = probe.getsockname()[1]
    async with AsyncExitStack() as stack:
        station = await stack.enter_async_context(
            trial_station(write_district(folder / "district.toml", carrier_port), transcriber="none")
        )
        found = Scene(station, folder, stack, speeches, carrier_port)
        for code in ("cb-1", "cb-2"):
            await found.speaker(code)
        yield found
