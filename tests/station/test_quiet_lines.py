"""Hold during a live broadcast, and packets on silent lines."""

import asyncio
import time

import pytest

from haichieu.demo.trial_station import until
from tests.station import district
from tests.station.calling_phone import CallingPhone
from tests.station.media_device import MediaDevice
from tests.station.scene import Scene

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]

HAI = f"{district.PINS[district.HAI]}#"
SILENCE, TONE = -60.0, -30.0


async def live(scene: Scene, phone: CallingPhone) -> None:
    before = scene.broadcasts()
    await asyncio.to_thread(phone.call, "1900")
    await asyncio.to_thread(phone.digits, f"{HAI}111#1")
    await until(lambda: scene.broadcasts() > before and scene.newest().live, "live", 20)


async def test_official_on_hold_is_off_air_and_lines_stay_open(scene: Scene) -> None:
    await scene.speaker_off("cb-2")
    server = scene.station.server
    with (
        MediaDevice(server, "cb-2", district.password("cb-2"), reports=(0, 0)) as speaker,
        CallingPhone(server, "may-hai", district.password("may-hai")) as phone,
    ):
        await until(lambda: "cb-2" in scene.reachable() and phone.registered.is_set(), "registered")
        await live(scene, phone)
        began = time.monotonic()
        await until(lambda: phone.packets_since(began) > 40, "packets on the official's line", 3)
        phone.play()
        await until(lambda: scene.level() > TONE, "the official is heard", 5)
        phone.hold()
        await until(lambda: scene.level() < SILENCE, "silence instead of music on hold", 5)
        held = time.monotonic()
        await until(lambda: speaker.packets_since(held) > 80, "packets to the speakers meanwhile", 4)
        assert scene.level() < SILENCE
        phone.hold(direction="sendrecv")
        await until(lambda: scene.level() > TONE, "the official is heard again", 5)
        resumed = time.monotonic()
        await until(lambda: phone.packets_since(resumed) > 40, "packets on the official's line again", 3)
        await asyncio.to_thread(phone.digits, "#")
        aired = await scene.ended()
    await until(lambda: "cb-2" not in scene.reachable(), "cb-2 is off", 30)
    assert (aired.state, aired.reason, aired.recorded) == ("ended", None, True)
    assert aired.deliveries["cb-2"].state == "played"


async def test_caller_who_leaves_a_message_gets_packets(scene: Scene) -> None:
    with CallingPhone(scene.station.server, "may-la", district.password("may-la")) as phone:
        await until(phone.registered.is_set, "registered")
        await asyncio.to_thread(phone.call, "1022")
        await asyncio.to_thread(phone.digits, "20")
        await until(lambda: scene.spool("message") != [], "the recording", 30)
        begun = time.monotonic()
        await until(lambda: phone.packets_since(begun + 0.5) > 40, "packets while it is recorded", 4)


@pytest.mark.proof
async def test_official_who_holds_too_long_ends_the_broadcast(scene: Scene) -> None:
    with CallingPhone(scene.station.server, "may-hai", district.password("may-hai")) as phone:
        await until(phone.registered.is_set, "registered")
        await live(scene, phone)
        phone.hold()
        await until(lambda: scene.newest().state == "ended", "the end", scene.station.settings.max_hold_seconds + 10)
        assert scene.newest().reason == "caller_holds"
