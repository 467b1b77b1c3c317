"""Speakers whose sound goes over from Asterisk to the fan-out in the middle: nothing is lost or heard twice."""

import itertools

import pytest

from haichieu.demo.trial_station import until
from tests.fan_out.devices import devices, direct
from tests.fan_out.recording_device import Heard
from tests.fan_out.scene import PLAIN, STEPS, FanOutScene, breaks, steps, widest_gap
from tests.fan_out.software_of_others import baresip, from_port, sipp

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("station"),
    pytest.mark.asyncio(loop_scope="session"),
]

AGREES_SECONDS = 0.4
"""Less than the time after which a request is repeated (RFC 3261 §17.1.1.1), and some twenty packets."""
SOUND = 150
WIDEST_SECONDS = 0.04
MOST_IN_A_BUFFER = 6
"""Packets that Baresip holds against jitter: it throws them away when the source (SSRC) of the sound changes."""


async def test_what_sipp_and_baresip_get_in_a_word_is_whole(scene: FanOutScene) -> None:
    """They are called in the middle of the sound, and it comes through Asterisk until they have agreed."""
    with devices(scene, *PLAIN[:3]) as speakers:
        await scene.registered(*PLAIN[:3])
        broadcast = scene.begin()
        await until(lambda: all(direct(scene, one) > 50 for one in speakers.values()), "direct sound", 40)
        async with (
            sipp(scene, "four", AGREES_SECONDS) as scripted,
            baresip(scene, "other", re_invite=AGREES_SECONDS) as other,
        ):
            await until(
                lambda: all(len(from_port(one.heard, scene.rtp_port)) > SOUND for one in (scripted, other)),
                "direct sound for both", 40,
            )  # fmt: skip
            await until(lambda: scene.deliveries(broadcast)["other"].packets_lost is not None, "a report", 30)
            deliveries = await scene.stop(broadcast)
        heard = {"four": scripted.heard, "other": other.heard}
        for code, packets in heard.items():
            goes_over_in_a_word(scene, code, packets, speakers["one"].heard)
            assert deliveries[code].reason in (None, "heard_in_part"), "it came in the middle"
            assert deliveries[code].packets_sent == pytest.approx(len(packets), abs=15)
        assert deliveries["other"].packets_lost == 0, "as Baresip itself reports"
        decoded = other.decoded_steps()
        assert len(decoded) > SOUND
        skips = [(b - a) % STEPS for a, b in itertools.pairwise(decoded) if (b - a) % STEPS != 1]
        changes_of_source = 2 * deliveries["other"].attempts - 1
        holes = [skip for skip in skips if skip]
        assert len(holes) <= changes_of_source
        assert all(1 < hole <= MOST_IN_A_BUFFER + 1 for hole in holes)
        repeats = len(skips) - len(holes)
        assert repeats <= len(holes), "Baresip may conceal a hole by playing the next packet twice; it came once"
        assert all(breaks(one.heard) == [] for one in speakers.values())


def goes_over_in_a_word(scene: FanOutScene, code: str, heard: list[Heard], beside: list[Heard]) -> None:
    """Check that the sound came through Asterisk, then directly, and nothing was lost, doubled or late between."""
    heard = last_call(scene, heard)
    sound = steps(heard)
    first = next(place for place, one in enumerate(sound) if one.port == scene.rtp_port)
    assert first > 5, f"{code} first hears through Asterisk"
    assert {one.port for one in sound[first:]} == {scene.rtp_port}
    assert breaks(heard) == [], code
    moment = sound[first].arrived
    change = moment - sound[first - 1].arrived
    source = widest_gap(one for one in beside if abs(one.arrived - moment) < 0.1)
    assert change - max(source - 0.02, 0.0) <= WIDEST_SECONDS
    numbers = [one.sequence for one in from_port(heard, scene.rtp_port)]
    assert all((b - a) % 0x10000 == 1 for a, b in itertools.pairwise(numbers))


def last_call(scene: FanOutScene, heard: list[Heard]) -> list[Heard]:
    """Return the packets of the last call: a device that registers again is called again."""
    ports = [one.port for one in heard]
    last = max(place for place, port in enumerate(ports) if port != scene.rtp_port)
    before = (place for place in range(last, -1, -1) if ports[place] != ports[last])
    return heard[next(before, -1) + 1 :]
