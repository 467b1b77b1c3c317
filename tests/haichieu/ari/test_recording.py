"""A caller who hears the tone is being recorded, and what a dead switchboard left playing is stopped."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from broadcast_bridge.studio.orphans import stop_sounds
from dialplans.installation import find_installation
from haichieu.ari.call import Call
from haichieu.audio import read_wav
from haichieu.audio.sound import dbfs, rms
from haichieu.demo.audio_matching import match
from tests.haichieu.ari.conftest import Line

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("breakable")]

LONG = "demo-congrats"
LOUD, SAME = -40.0, 0.6


@pytest.fixture(scope="module")
def speech(line: Line, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a real voice."""
    installation = find_installation(line.asterisk.settings)
    assert installation is not None
    made = tmp_path_factory.mktemp("speech") / "speech.wav"
    voice = installation.data / "sounds/en" / f"{LONG}.gsm"
    subprocess.run(["ffmpeg", "-v", "error", "-i", voice, "-t", "3", "-ar", "8000", made], check=True)
    return made


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Look again and again."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (a file says it)
            await asyncio.sleep(0.05)


def is_loud(file: Path) -> bool:
    """Return whether a recording contains any sound yet."""
    return file.exists() and file.stat().st_size > 1000 and dbfs(rms(read_wav(file).samples)) > LOUD


async def test_caller_is_recorded_after_the_tone_without_a_switchboard(
    line: Line, speech: Path, tmp_path: Path
) -> None:
    recorded = line.asterisk.settings.home / "spool/recording/dead.wav"
    async with await line.call() as call:
        heard = tmp_path / "heard.wav"
        await line.phone.record(heard)
        recording = asyncio.create_task(call.record("dead", max_seconds=20, silence_seconds=10))
        await until(lambda: is_loud(heard))
        recording.cancel()
        line.gateway.shut = True
        line.gateway.cut()
        await line.phone.play(speech)
        await line.phone.hang_up()
        await line.phone.ended()
        line.gateway.shut = False
        await asyncio.gather(recording, return_exceptions=True)
    await asyncio.wait_for(line.client.connected.wait(), 20)
    await until(recorded.exists)
    found = match(read_wav(speech), read_wav(recorded))
    assert found.correlation > SAME
    assert found.fraction > 0.9


async def test_recording_whose_file_cannot_be_opened_has_failed(line: Line) -> None:
    (line.asterisk.settings.home / "spool/recording/blocked.wav").mkdir()
    async with await line.call() as call:
        assert not await asyncio.wait_for(call.record("blocked", max_seconds=2, silence_seconds=1), 10)
        assert await asyncio.wait_for(call.record("free", max_seconds=1, silence_seconds=1), 10)
    await line.phone.ended()


async def test_a_new_switchboard_stops_what_the_old_one_had_asterisk_play(line: Line) -> None:
    for times in (1, 3):
        async with await line.call() as call:
            for _ in range(times - 1):
                await call.say("beep")
            saying = asyncio.create_task(call.say(LONG))
            await asyncio.sleep(0.5)
            await stop_sounds(line.client, [call.id])
            await asyncio.wait_for(saying, 3)
        await line.phone.ended()


async def test_the_end_of_a_stopped_sound_does_not_end_the_next(line: Line) -> None:
    async with await line.call() as call:
        for _ in range(3):
            await _interrupted(call)
        saying = asyncio.create_task(call.say(LONG))
        await asyncio.sleep(1.0)
        assert not saying.done()
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
    await line.phone.ended()


async def _interrupted(call: Call) -> None:
    saying = asyncio.create_task(call.say(LONG))
    await asyncio.sleep(0.1)
    saying.cancel()
    await asyncio.gather(saying, return_exceptions=True)
