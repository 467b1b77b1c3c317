"""A fan-out that is killed or stopped in the middle of a word: Asterisk serves its speakers again within a second."""

import os
import signal
import time

import pytest

from haichieu.demo.process_tree import descendants
from haichieu.demo.trial_station import until
from tests.crashes.processes import supervisor
from tests.fan_out.devices import devices, direct
from tests.fan_out.recording_device import RecordingDevice
from tests.fan_out.scene import PLAIN, FanOutScene, widest_gap

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("station"), pytest.mark.asyncio(loop_scope="session")]

UNREPORTED = 6 * 50
"""Packets that the fan-out has sent since it was last asked for its figures; nobody knows of them any more."""


def fan_out(scene: FanOutScene) -> int:
    """The process id of the fan-out; 0 while there is none."""
    found = [pid for pid, line in descendants(supervisor(scene.station)).items() if "haichieu fan-out" in line]
    return found[0] if found else 0


async def on_air_directly(scene: FanOutScene, speakers: dict[str, RecordingDevice]) -> int:
    await scene.registered(*PLAIN)
    broadcast = scene.begin()
    await until(lambda: all(direct(scene, one) > 50 for one in speakers.values()), "direct sound", 40)
    return broadcast


async def heard_again(speakers: dict[str, RecordingDevice], moment: float, port: int) -> None:
    def all_hear() -> bool:
        return all(sum(heard.port != port for heard in one.since(moment)) > 100 for one in speakers.values())

    await until(all_hear, "sound through Asterisk", 20)


@pytest.mark.proof
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_lost_fan_out_leaves_no_speaker_silent(scene: FanOutScene, number: signal.Signals) -> None:
    with devices(scene, *PLAIN) as speakers:
        broadcast = await on_air_directly(scene, speakers)
        pid, moment = fan_out(scene), time.monotonic()
        os.kill(pid, number)
        await heard_again(speakers, moment, scene.rtp_port)
        if number == signal.SIGSTOP:
            resumed = time.monotonic()
            os.kill(pid, signal.SIGCONT)
            await heard_again(speakers, resumed, scene.rtp_port)
            assert all(one.port != scene.rtp_port for each in speakers.values() for one in each.since(resumed + 0.2))
        deliveries = await scene.stop(broadcast)
        for code, speaker in speakers.items():
            assert widest_gap(speaker.since(moment - 1)) < 1.0
            assert deliveries[code].state == "played"
            assert deliveries[code].attempts == 1, "its call goes on"
            assert len(speaker.heard) - UNREPORTED < deliveries[code].packets_sent < len(speaker.heard) + 15
        await until(lambda: fan_out(scene) != 0, "a fan-out", 20)
        before = {code: direct(scene, speaker) for code, speaker in speakers.items()}
        again = scene.begin()
        await until(
            lambda: all(direct(scene, speaker) > before[code] + 50 for code, speaker in speakers.items()),
            "direct sound in the next broadcast", 40,
        )  # fmt: skip
        await scene.stop(again)
