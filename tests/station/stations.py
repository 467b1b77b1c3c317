"""The stations of the call tests: one that is shared, one that may be broken; each is started once per worker."""

import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from haichieu.demo.trial_station import free_port, trial_station
from haichieu.processes.asterisk import find_or_fetch
from haichieu.settings import load_settings
from haichieu.station import Station
from ivr.prompts.custom import CustomPrompt, Origin
from tests.station import district
from tests.station.playbacks import playbacks_of
from tests.station.quick_voice import speaking_quickly
from tests.station.scene import OUR_OWN, Scene

SPEAKERS = ("cb-1", "cb-2", "cp-1")
SPEECH_SECONDS = "2"
SAID_IN_FULL = {
    "call-back-announcement": "Sẽ gọi lại.",
    "locked-out": "Đã khóa.",
    "message-instructions": "Mời nói.",
    "record-instructions": "Mời thu.",
    "sign-in-refused": "Từ chối.",
}
"""Prompts that no key interrupts, in fewer words than a caller needs."""


@pytest.fixture(scope="session")
def speeches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return cut_speeches(tmp_path_factory.mktemp("speech"))


def cut_speeches(folder: Path) -> dict[str, Path]:
    """Write two pieces of real human speech, as they come with Asterisk, into a folder."""
    sounds = find_or_fetch(load_settings()).data / "sounds" / "en"
    made = {}
    for name, begin in (("demo-congrats", "0.2"), ("demo-instruct", "3")):
        made[name] = folder / f"{name}.wav"
        cut = ["-ss", begin, "-i", sounds / f"{name}.gsm", "-t", SPEECH_SECONDS, "-ar", "8000"]
        subprocess.run(["ffmpeg", "-v", "error", *cut, made[name]], check=True)
    return made


@asynccontextmanager
async def started(
    folder: Path, speeches: dict[str, Path], *, texts: bool = False, **settings: str | int | float
) -> AsyncIterator[Scene]:
    """Run a station of the district for the length of the block."""
    carrier_port = free_port(socket.SOCK_DGRAM)
    file = district.write_district(folder / "district.toml", carrier_port, texts=texts)
    quick = {
        "call_back_delay": 0.2,
        "answer_call_pauses": "0,0.05,0",
        "transcriber": "none",
        "qualify_seconds": 5,
        "check_direct_calls": False,
    }
    async with AsyncExitStack() as stack:
        with speaking_quickly(folder):
            station = await stack.enter_async_context(trial_station(file, **quick, **settings))
        with station.database.session() as session:
            session.execute(sa.update(Station).values(reply_hours=""))  # the tests are run at night as well
            for key, text in SAID_IN_FULL.items():
                session.add(CustomPrompt(key=key, language="vi", text=text, origin=Origin.TEXT, changed_by=OUR_OWN))
        playbacks = await stack.enter_async_context(playbacks_of(station.settings))
        scene = Scene(station, folder, stack, speeches, carrier_port, playbacks)
        scene.remember_configuration()
        yield scene
        scene.kill()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_station(tmp_path_factory: pytest.TempPathFactory, speeches: dict[str, Path]) -> AsyncIterator[Scene]:
    """The station of all tests that leave it whole."""
    async with started(tmp_path_factory.mktemp("station"), speeches) as scene:
        yield scene


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def breakable_station(
    tmp_path_factory: pytest.TempPathFactory, speeches: dict[str, Path]
) -> AsyncIterator[Scene]:
    """The station of tests that kill its processes; its carrier takes texts as a GSM gateway does."""
    async with started(tmp_path_factory.mktemp("breakable"), speeches, texts=True) as scene:
        yield scene
