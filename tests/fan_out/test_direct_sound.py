"""Real speakers that are served by the fan-out: what they hear, without a gap and without anything heard twice."""

from contextlib import AsyncExitStack

import numpy as np
import pytest

from haichieu.audio.sound import Sound, read_wav
from haichieu.demo.baresip_speaker import BaresipSpeaker
from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.demo.trial_station import until
from tests.fan_out.devices import devices, direct
from tests.fan_out.scene import PASSWORD, PLAIN, FanOutScene, breaks, widest_gap

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("station"), pytest.mark.asyncio(loop_scope="session")]

SOUND = 150
"""Packets of sound: three seconds."""
QUIET, ENOUGH = 0.004, 0.8
"""The chime before the sound is a tone with pauses."""


async def test_sound_is_heard_without_a_gap_across_the_re_invite(scene: FanOutScene) -> None:
    """The first device takes its time to agree, so that its sound first comes through Asterisk."""
    with devices(scene, *PLAIN, one={"after": 0.7, "enough": 10}) as speakers:
        await scene.registered(*PLAIN)
        broadcast = scene.begin()
        await until(lambda: all(direct(scene, one) > SOUND for one in speakers.values()), "direct sound", 40)
        deliveries = await scene.stop(broadcast)
    late, beside = speakers["one"].heard, speakers["two"].heard
    first = next(place for place, one in enumerate(late) if one.port == scene.rtp_port)
    assert first > 5, "it began through Asterisk"
    moment = late[first].at
    pause = moment - late[first - 1].at - widest_gap(one for one in beside if abs(one.at - moment) < 0.1)
    assert pause < 0.04, "beyond what the source itself has paused"
    for code, speaker in speakers.items():
        assert breaks(speaker.heard) == []
        assert deliveries[code].state == "played"
        assert deliveries[code].packets_sent == pytest.approx(len(speaker.heard), abs=15)
        assert deliveries[code].packets_lost == 0
    assert len({tuple(one.ssrc for one in speaker.heard[-1:]) for speaker in speakers.values()}) == len(PLAIN)


@pytest.mark.proof
async def test_speakers_that_do_not_agree_hear_through_asterisk(scene: FanOutScene) -> None:
    special = {"one": {"re_invite": "488 Not Acceptable Here"}, "two": {"after": 1.6}}
    with devices(scene, *PLAIN, **special) as speakers:
        await scene.registered(*PLAIN)
        broadcast = scene.begin()
        await until(lambda: all(len(one.heard) > 2 * SOUND for one in speakers.values()), "sound", 40)
        await until(lambda: direct(scene, speakers["three"]) > SOUND, "direct sound for another", 20)
        deliveries = await scene.stop(broadcast)
        for code in special:
            assert direct(scene, speakers[code]) == 0
            assert widest_gap(speakers[code].heard) < 1.0
            assert deliveries[code].state == "played"
            assert deliveries[code].packets_sent == pytest.approx(len(speakers[code].heard), abs=15)
        before = len(speakers["one"].bodies)
        again = scene.begin()
        heard = len(speakers["one"].heard)
        await until(lambda: len(speakers["one"].heard) > heard + 50, "sound again", 20)
        assert len(speakers["one"].bodies) == before, "it is not asked again"
        await scene.stop(again)


def share_of_sound(sound: Sound) -> float:
    """Return how much of the time from the first to the last sound is no silence."""
    loud = np.abs(sound.samples) > QUIET
    places = np.flatnonzero(loud)
    return float(loud[places[0] : places[-1] + 1].mean()) if len(places) else 0.0


@pytest.mark.proof
async def test_other_software_and_encrypted_speakers_hear_beside_plain_ones(scene: FanOutScene) -> None:
    station, files = scene.station, scene.folder
    soft = SoftSpeaker(server=station.server, id="soft", password=PASSWORD, record=files / "soft.wav", bind="127.0.0.1")
    safe = SoftSpeaker(
        server=station.tls_server, id="safe", password=PASSWORD, record=files / "safe.wav", bind="127.0.0.1",
        fingerprint=station.fingerprint,
    )  # fmt: skip
    other = BaresipSpeaker(server=station.server, id="other", password=PASSWORD, folder=files / "other")
    with devices(scene, "one", "two") as speakers:
        async with AsyncExitStack() as stack:
            for one in (soft, safe, other):
                await stack.enter_async_context(one)
            await scene.registered("one", "two", "soft", "safe", "other")
            broadcast = scene.begin()
            await until(lambda: all(direct(scene, one) > SOUND for one in speakers.values()), "direct sound", 40)
            await until(lambda: scene.deliveries(broadcast)["other"].packets_lost is not None, "a report", 30)
            deliveries = await scene.stop(broadcast)
            heard = {"soft": read_wav(files / "soft.wav"), "safe": read_wav(files / "safe.wav"), "other": other.heard()}
    for code, sound in heard.items():
        assert deliveries[code].state == "played"
        assert share_of_sound(sound) > ENOUGH, code
