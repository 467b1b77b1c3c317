"""Linphone as a loudspeaker, at an Asterisk with our accounts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from haichieu.audio.sound import active_frames, read_wav
from haichieu.background import in_background
from haichieu.demo.trial_station import until
from tests.peers.house import SECRET, House, house_of
from tests.peers.linphone import linphone

pytestmark = [
    pytest.mark.proof,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.calls,
    pytest.mark.xdist_group("callers"),
]

FRAME_SECONDS = 0.02


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house_of(tmp_path_factory.mktemp("linphone"), migrated_sqlite, {"one": ["alaw"]}) as house:
        yield house


async def test_linphone_answers_by_itself_and_hears(house: House) -> None:
    file = house.folder / "heard.wav"
    async with linphone(house.folder / "device", answers=True) as device:
        await device.register(house.asterisk.server, "one", SECRET)
        await until(lambda: house.speaker("one").reachable, "registered")
        async with house.call("one") as call:
            await device.tell(f"record {file}")
            async with in_background(call.say("demo-congrats")):
                await until(lambda: file.exists() and file.stat().st_size > 50_000, "it records")
        await device.says("ended")
    assert active_frames(read_wav(file)).sum() * FRAME_SECONDS > 1.5
