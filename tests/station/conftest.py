"""One station a module, with three speakers registered and recording; and phones on demand."""

import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from haichieu.demo.trial_station import trial_station
from haichieu.processes.asterisk import find_or_fetch
from haichieu.settings import load_settings
from tests.station import district
from tests.station.listening import Scene
from tests.station.texting import texting

__all__ = ["texting"]


@pytest.fixture(scope="session")
def speeches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two pieces of real human speech, as they come with Asterisk, seven seconds each."""
    folder = tmp_path_factory.mktemp("speech")
    sounds = find_or_fetch(load_settings()).data / "sounds" / "en"
    made = {}
    for name, begin in (("demo-congrats", "0"), ("demo-instruct", "3")):
        made[name] = folder / f"{name}.wav"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-ss", begin, "-i", sounds / f"{name}.gsm", "-t", "7", "-ar", "8000", made[name]],
            check=True,
        )
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory, speeches: dict[str, Path]) -> AsyncIterator[Scene]:
    """A running station and its speakers."""
    folder = tmp_path_factory.mktemp("station")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        carrier_port = probe.getsockname()[1]
    file = district.write_district(folder / "district.toml", carrier_port)
    async with AsyncExitStack() as stack:
        station = await stack.enter_async_context(
            trial_station(file, call_back_delay=0.2, answer_call_pauses="0,0.05,0", transcriber="none")
        )
        found = Scene(station, folder, stack, speeches, carrier_port)
        for code in ("cb-1", "cb-2", "cp-1"):
            await found.speaker(code)
        yield found
