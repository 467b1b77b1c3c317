"""Speakers called ahead with the fan-out: slow, refusing and vanishing ones, and officials who leave or compete."""

import asyncio
import time

import pytest

from haichieu.audio.sound import write_wav
from haichieu.demo.trial_station import until
from tests.fan_out.devices import devices, direct
from tests.fan_out.recording_device import Heard, RecordingDevice
from tests.fan_out.scene import PASSWORD, PLAIN, FanOutScene, widest_gap
from tests.peers.scripted_device import new_device

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("station"),
    pytest.mark.asyncio(loop_scope="session"),
]

ANSWERS_AFTER = {"one": 0.0, "two": 0.3, "three": 2.5, "four": 5.0, "five": 7.0, "six": 9.0}
PUNCTUAL = ("one", "two")
IN_STEP_SECONDS = 0.04
HEARS_SECONDS = 4.0
"""From the answer of a late speaker, which waits up to a second for a seat, to its first sound, with time to spare."""
SAME_PACKETS = 40


def voiced(device: RecordingDevice) -> list[Heard]:
    return [one for one in list(device.heard) if one.is_voiced]


async def test_speakers_that_answer_within_nine_seconds_hear_from_then_on(scene: FanOutScene) -> None:
    """One refuses, and one has a power cut after it has been called ahead: nobody waits for either."""
    noise = scene.folder / "noise.wav"
    write_wav(noise, scene.noise(16))
    late: dict[str, dict[str, float]] = {code: {"answers_after": after} for code, after in ANSWERS_AFTER.items()}
    busy = new_device(scene.station.server, "seven", PASSWORD, scene.folder)
    await busy.register()
    async with busy.serving("busy"):
        with devices(scene, *ANSWERS_AFTER, "eight", **late) as speakers:
            vanishing = speakers.pop("eight")
            await scene.registered(*ANSWERS_AFTER, "seven", "eight")
            before = scene.newest()
            async with scene.confirming() as phone:
                ready = [*(speakers[code] for code in PUNCTUAL), vanishing]
                await until(lambda: all(direct(scene, one) > 10 for one in ready), "direct silence", 20)
                await until(lambda: bool(busy.requests("INVITE")), "a refusal", 10)
                vanishing.silent.set()
                await phone.digits("1")
                await until(lambda: (live := scene.newest()) is not None and live.live_at is not None, "live", 20)
                speaking = asyncio.create_task(phone.play(noise))
                await until(lambda: all(len(voiced(one)) > SAME_PACKETS for one in speakers.values()), "all hear", 30)
                await speaking
            begun = scene.newest()
            assert begun is not None
            assert before is None or begun.id != before.id
            await until(lambda: scene.state(begun.id) not in ("planned", "calling", "on_air"), "the end", 30)
    await busy.register(0)
    deliveries = scene.deliveries(begun.id)
    chimes = {code: voiced(speakers[code])[:SAME_PACKETS] for code in PUNCTUAL}
    first = [packets[0].arrived for packets in chimes.values()]
    assert max(first) - min(first) <= IN_STEP_SECONDS
    assert len({tuple(one.sound for one in packets) for packets in chimes.values()}) == 1, "the whole chime"
    for code, speaker in speakers.items():
        waited = next(one.arrived for one in voiced(speaker) if one.arrived >= speaker.answered_at[0])
        waited -= max(speaker.answered_at[0], first[0])
        print(f"{code}: {waited:.2f} s from its answer to sound, {direct(scene, speaker)} packets directly")
        assert waited < HEARS_SECONDS, code
        assert len(speaker.invites) == 1, code
        assert (deliveries[code].state, deliveries[code].attempts) == ("played", 1), code
    assert (deliveries["seven"].state, deliveries["seven"].reason) == ("missed", "busy")
    assert not voiced(vanishing) or deliveries["eight"].heard is not True


async def test_official_who_hangs_up_ends_answered_and_ringing_calls(scene: FanOutScene) -> None:
    with devices(scene, *PLAIN, four={"answers_after": 9.0}) as speakers:
        await scene.registered(*PLAIN)
        before = scene.newest()
        async with scene.confirming():
            await until(lambda: all(direct(scene, speakers[code]) > 10 for code in PLAIN[:3]), "direct silence", 20)
            await until(lambda: bool(speakers["four"].ringing), "one rings", 10)
            left = time.time()
        await until(lambda: all(one.ended for one in speakers.values()), "all calls end", 10)
        print("BYE or CANCEL after", [round(one.ended[0] - left, 3) for one in speakers.values()])
        assert not speakers["four"].answered_at
        assert not any(voiced(one) for one in speakers.values())
        after = scene.newest()
        assert (after and after.id) == (before and before.id), "nothing is logged"


@pytest.mark.parametrize("pause", [0.0, 0.4])
async def test_of_two_officials_at_one_zone_one_is_heard_directly(scene: FanOutScene, pause: float) -> None:
    """With a pause, the speakers go to the one who did not have them called, and may miss a part of the chime."""
    with devices(scene, *PLAIN) as speakers:
        await scene.registered(*PLAIN)
        before = scene.newest()
        async with scene.confirming("desk") as first:
            await until(lambda: all(direct(scene, one) > 10 for one in speakers.values()), "direct silence", 20)
            async with scene.confirming("office") as second:

                async def press_later() -> None:
                    await asyncio.sleep(pause)
                    await first.digits("1")

                await asyncio.gather(second.digits("1"), press_later())
                await until(lambda: (live := scene.newest()) is not None and live.live_at is not None, "live", 20)
                await until(lambda: all(len(voiced(one)) > SAME_PACKETS for one in speakers.values()), "the chime", 20)
                begun = scene.newest()
                assert begun is not None
                moment = time.monotonic()
                await until(
                    lambda: all(
                        sum(one.port == scene.rtp_port for one in each.since(moment)) > 50 for each in speakers.values()
                    ),
                    "direct sound", 20,
                )  # fmt: skip
        await until(lambda: scene.state(begun.id) not in ("planned", "calling", "on_air"), "the end", 30)
        assert begun.id == (before.id if before else 0) + 1, "one of them is live"
        for code, delivery in scene.deliveries(begun.id).items():
            if code in speakers:
                assert len(speakers[code].invites) == 1
                assert (delivery.state, delivery.attempts) == ("played", 1)
                assert widest_gap(voiced(speakers[code])[:SAME_PACKETS]) < 1.0
