"""One station with the fan-out on for all tests of this folder."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from haichieu.demo.trial_station import trial_station
from tests.fan_out.scene import FanOutScene, district


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def fan_out_station(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FanOutScene]:
    folder = tmp_path_factory.mktemp("fan-out")
    file = folder / "district.toml"
    file.write_text(district())
    more = {"qualify_seconds": 5, "check_direct_calls": False, "transcriber": "none", "fan_out": True}
    async with trial_station(file, **more) as station:
        yield FanOutScene(station, folder)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(fan_out_station: FanOutScene) -> AsyncIterator[FanOutScene]:
    """The station; no broadcast outlives its test."""
    yield fan_out_station
    await fan_out_station.end_all()
