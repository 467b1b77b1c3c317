"""Sound in the bridge of loudspeakers that the station has called."""

import asyncio
import subprocess
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from dialplans.accounts import ha1, speaker_account
from dialplans.configuration import ari_password
from dialplans.installation import find_installation
from haichieu.ari.bridge import announcer, loudspeaker_bridge
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.audio.sound import dbfs, read_wav, rms
from haichieu.background import in_background
from haichieu.demo.softphone.controller import SoftPhone
from tests.lone_asterisk import lone_asterisk

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("callers")]

SECRET = "a-secret-nobody-guesses"
NAMES = ("first", "second")
LOUD, SILENT = -40.0, -60.0


@dataclass
class House:
    """Two speakers, what each of them hears, and the application."""

    client: AriClient
    speakers: dict[str, SoftPhone]
    folder: Path
    voice: Path

    async def call(self, name: str, stack: AsyncExitStack) -> str:
        """Call a speaker as a broadcast does; return its channel once it is answered."""
        speaker = self.speakers[name]
        call = await stack.enter_async_context(Call(self.client, f"speaker-{uuid.uuid4().hex}", None, name))
        await call.place(f"PJSIP/{name}", role="speaker", timeout=5)
        await speaker.incoming()
        await speaker.answer()
        await call.answered()
        return call.id

    async def level_at(self, name: str) -> float:
        """How loud it is at a speaker for a second and a half from now (dBFS)."""
        file = self.folder / f"{uuid.uuid4().hex}.wav"
        await self.speakers[name].record(file)
        await asyncio.sleep(1.5)
        return dbfs(rms(read_wav(file).samples))


async def _nothing(*_: object) -> None:
    return None


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("bridge")
    accounts = [speaker_account(name, ha1(name, SECRET), ["alaw"], 0) for name in NAMES]
    async with AsyncExitStack() as stack:
        asterisk = await stack.enter_async_context(lone_asterisk(folder / "home", accounts))
        installation = find_installation(asterisk.settings)
        assert installation is not None
        spoken = installation.data / "sounds/en/demo-congrats.gsm"
        subprocess.run(  # noqa: ASYNC221 (a moment, before anything is measured)
            ["ffmpeg", "-v", "error", "-i", spoken, "-ar", "8000", folder / "voice.wav"], check=True
        )
        client = AriClient(
            "127.0.0.1", asterisk.settings.ari_port, ari_password(asterisk.settings), lambda _: None
        )  # fmt: skip
        await stack.enter_async_context(client)
        await stack.enter_async_context(in_background(client.run(_nothing, _nothing)))
        await asyncio.wait_for(client.connected.wait(), 10)
        speakers = {}
        for name in NAMES:
            speaker = SoftPhone(server=asterisk.server, id=name, password=SECRET)
            speakers[name] = await stack.enter_async_context(speaker)
            await speaker.registered()
        yield House(client, speakers, folder, folder / "voice.wav")


@pytest.mark.parametrize("wideband", [False, True], ids=["holding", "mixing"])
async def test_the_first_sound_of_an_announcer_is_heard(house: House, *, wideband: bool) -> None:
    async with (
        AsyncExitStack() as stack,
        loudspeaker_bridge(house.client, f"broadcast-{uuid.uuid4().hex}", wideband=wideband) as bridge,
        announcer(house.client, bridge, wideband=wideband) as announcing,
    ):
        await bridge.add([await house.call("first", stack)])
        async with in_background(announcing.play("demo-congrats")):
            await asyncio.sleep(0.5)
            assert await house.level_at("first") > LOUD
    await house.speakers["first"].ended()


@pytest.mark.parametrize("wideband", [False, True], ids=["holding", "mixing"])
async def test_what_a_speaker_sends_is_heard_by_no_other(house: House, *, wideband: bool) -> None:
    async with (
        AsyncExitStack() as stack,
        loudspeaker_bridge(house.client, f"broadcast-{uuid.uuid4().hex}", wideband=wideband) as bridge,
    ):
        await bridge.add([await house.call(name, stack) for name in NAMES])
        await house.speakers["first"].begin_playing(house.voice)
        assert await house.level_at("second") < SILENT
    for speaker in house.speakers.values():
        await speaker.ended()
