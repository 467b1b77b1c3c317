"""The shared station, without what the module before left behind."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.station.scene import Scene
from tests.station.stations import SPEAKERS
from tests.station.texting import texting

__all__ = ["texting"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_station: Scene) -> Scene:
    """A running station and its speakers."""
    await shared_station.reset(*SPEAKERS)
    return shared_station


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def no_call_outlives_its_test(scene: Scene) -> AsyncIterator[None]:
    yield
    await scene.end_calls()
