"""Speakers that sit at the fan-out while the official still confirms, judged by the packets that arrive."""

import pytest

from haichieu.demo.trial_station import until
from tests.fan_out.devices import devices, direct
from tests.fan_out.recording_device import Heard, RecordingDevice
from tests.fan_out.scene import PLAIN, FanOutScene

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("station"), pytest.mark.asyncio(loop_scope="session")]

IN_STEP_SECONDS = 0.04
SAME_PACKETS = 40


def voiced(device: RecordingDevice) -> list[Heard]:
    return [one for one in list(device.heard) if one.is_voiced]


@pytest.mark.proof
async def test_whole_chime_comes_directly_to_speakers_called_ahead(scene: FanOutScene) -> None:
    with devices(scene, *PLAIN) as speakers:
        await scene.registered(*PLAIN)
        before = scene.newest()
        async with scene.confirming() as phone:
            await until(lambda: all(direct(scene, one) > 10 for one in speakers.values()), "direct silence", 20)
            assert not any(voiced(one) for one in speakers.values())
            silence = min(direct(scene, one) for one in speakers.values())
            await phone.digits("1")
            await until(lambda: all(len(voiced(one)) > SAME_PACKETS for one in speakers.values()), "the chime", 20)
            await until(lambda: (live := scene.newest()) is not None and live.live_at is not None, "live", 20)
        begun = scene.newest()
        assert begun is not None
        assert before is None or begun.id != before.id
        await until(lambda: scene.state(begun.id) not in ("planned", "calling", "on_air"), "the end", 30)
    heard = {code: voiced(one)[:SAME_PACKETS] for code, one in speakers.items()}
    first = [packets[0].arrived for packets in heard.values()]
    assert max(first) - min(first) <= IN_STEP_SECONDS
    assert {one.port for packets in heard.values() for one in packets} == {scene.rtp_port}
    assert len({tuple(one.sound for one in packets) for packets in heard.values()}) == 1
    deliveries = scene.deliveries(begun.id)
    for code, speaker in speakers.items():
        assert len(speaker.invites) == 1
        assert deliveries[code].state == "played"
        assert 0 < deliveries[code].packets_sent < len(speaker.heard) - silence


async def test_seats_end_with_the_call_of_an_official_who_leaves(scene: FanOutScene) -> None:
    with devices(scene, *PLAIN) as speakers:
        await scene.registered(*PLAIN)
        async with scene.confirming():
            await until(lambda: all(direct(scene, one) > 10 for one in speakers.values()), "direct silence", 20)
        await until(lambda: all(one.ended for one in speakers.values()), "all calls end", 10)
        assert not any(voiced(one) for one in speakers.values())
