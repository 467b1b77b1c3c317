"""The station that may be broken; a test that breaks it leaves it whole."""

import pytest_asyncio

from tests.station.scene import Scene
from tests.station.texting import texting

__all__ = ["texting"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(breakable_station: Scene) -> Scene:
    """A running station and two speakers."""
    await breakable_station.reset("cb-1", "cb-2")
    return breakable_station
