"""Changes while direct sound is on air: hold, pre-emption, and a device that moves."""

import time

import pytest

from haichieu.demo.trial_station import until
from tests.fan_out.devices import devices, direct
from tests.fan_out.scene import FEW, PLAIN, FanOutScene, breaks, steps

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("station"),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_speaker_that_holds_gets_nothing_and_counts_nothing(scene: FanOutScene) -> None:
    with devices(scene, *PLAIN) as speakers:
        await scene.registered(*PLAIN)
        broadcast, one = scene.begin(), speakers["one"]
        await until(lambda: all(direct(scene, each) > 100 for each in speakers.values()), "direct sound", 40)
        one.hold()
        await until(lambda: scene.deliveries(broadcast)["one"].reason == "holds", "the log says that it holds", 15)
        held = time.monotonic()
        await until(lambda: time.monotonic() - held > 1.5, "more than a second")
        assert one.since(held) == []
        one.hold(direction="recvonly")
        await until(
            lambda: len([heard for heard in one.since(held) if heard.port == scene.rtp_port]) > 50, "resumed", 15
        )
        delivery = (await scene.stop(broadcast))["one"]
        assert delivery.packets_sent == pytest.approx(len(one.heard), abs=20)
        sequences = [heard.sequence for heard in one.heard if heard.port == scene.rtp_port]
        assert len(sequences) == (sequences[-1] - sequences[0]) % 0x10000 + 1, "the pause is no loss"


async def test_speaker_that_an_emergency_took_returns_to_the_fan_out(scene: FanOutScene) -> None:
    with devices(scene, *PLAIN) as speakers:
        await scene.registered(*PLAIN)
        broadcast, one = scene.begin(), speakers["one"]
        await until(lambda: all(direct(scene, each) > 50 for each in speakers.values()), "direct sound", 40)
        urgent, begun = scene.begin(FEW, urgent=True), time.monotonic()
        await until(lambda: len(one.invites) == 2, "a call of the emergency", 20)
        await until(lambda: len(one.since(begun)) > 150, "its sound", 20)
        assert (await scene.stop(urgent))["one"].state == "played"
        stopped = time.monotonic()
        await until(lambda: sum(heard.port == scene.rtp_port for heard in one.since(stopped)) > 50, "the broadcast", 30)
        deliveries = await scene.stop(broadcast)
    assert [deliveries[code].attempts for code in PLAIN] == [2, 1, 1, 1]


async def test_device_that_moved_is_served_at_its_new_address(scene: FanOutScene) -> None:
    with devices(scene, *PLAIN) as speakers:
        await scene.registered(*PLAIN)
        broadcast = scene.begin()
        await until(lambda: all(direct(scene, each) > 50 for each in speakers.values()), "direct sound", 40)
        speakers["one"].silent.set()
        with devices(scene, "one") as moved:
            await until(lambda: direct(scene, moved["one"]) > 50, "direct sound at the new address", 40)
            before = len(speakers["one"].heard)
            heard = len(moved["one"].heard)
            await until(lambda: len(moved["one"].heard) > heard + 50, "more of it", 20)
            assert len(speakers["one"].heard) == before, "nothing goes to the old address"
            delivery = (await scene.stop(broadcast))["one"]
    assert (delivery.state, delivery.attempts) == ("played", 2)


async def test_sound_follows_a_device_to_other_ports_without_a_loss(scene: FanOutScene) -> None:
    """It stays in its call and only wants its sound elsewhere, by a re-INVITE."""
    with devices(scene, *PLAIN) as speakers:
        await scene.registered(*PLAIN)
        broadcast, one = scene.begin(), speakers["one"]
        await until(lambda: all(len(steps(each.heard)) > 50 for each in speakers.values()), "the sound", 40)
        await until(lambda: direct(scene, one) > 50, "direct sound", 20)
        heard = len(one.heard)
        one.move()
        await until(lambda: len(one.heard) > heard + 100, "more of it", 20)
        one.close_former()
        heard = len(one.heard)
        await until(lambda: len(one.heard) > heard + 50, "sound at the new port", 20)
        delivery = (await scene.stop(broadcast))["one"]
    assert breaks(sorted(one.heard, key=lambda each: each.arrived)) == []
    assert {each.port for each in one.heard[-50:]} == {scene.rtp_port}
    assert (delivery.state, delivery.attempts, delivery.packets_lost) == ("played", 1, 0)
    assert delivery.packets_sent == pytest.approx(len(one.heard), abs=15)
