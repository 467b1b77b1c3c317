"""A network to one speaker that loses a fifth of the packets and delays each by up to 0.2 seconds."""

import time

import pytest

from haichieu.demo.trial_station import until
from tests.fan_out.devices import devices, direct
from tests.fan_out.scene import PLAIN, FanOutScene, breaks
from tests.fan_out.software_of_others import baresip, from_port

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("station"),
    pytest.mark.asyncio(loop_scope="session"),
]

LOSS, JITTER = 0.2, 0.2
SOUND = 14 * 50
"""Packets: at least two reports of the speaker."""
REPORTED_SECONDS = 7.0
"""The last report is no older (RFC 3550 §6.2: every five seconds, and the switchboard asks as often)."""
UNDER_WAY = 15
"""Packets that are late count as lost until they come."""


@pytest.mark.parametrize("sip_loss", [0.0, LOSS])
async def test_loss_and_jitter_are_reported_and_hurt_no_other(scene: FanOutScene, sip_loss: float) -> None:
    with devices(scene, *PLAIN) as speakers:
        await scene.registered(*PLAIN)
        async with baresip(scene, "other", loss=LOSS, jitter=JITTER, sip_loss=sip_loss) as far:
            await scene.registered("other")
            broadcast = scene.begin()
            await until(lambda: all(direct(scene, one) > 50 for one in speakers.values()), "direct sound", 40)
            passed = far.path.passed
            if not sip_loss:
                await until(lambda: len(from_port(far.heard, scene.rtp_port)) > 50, "direct sound to the far one", 20)
            await until(lambda: len(passed) > SOUND, "sound for fourteen seconds", 60)
            deliveries = await scene.stop(broadcast)
            ended, jitter = time.time(), far.path.jitter_ms[-SOUND:]
        delivery = deliveries["other"]
        lost = far.path.lost()
        reported = sum(one.is_lost for one in passed if one.arrived < ended - REPORTED_SECONDS)
        print(
            f"lost {lost} of {len(passed)}, reported {delivery.packets_lost} (from {reported} on); jitter "
            f"{min(jitter):.0f} to {max(jitter):.0f} ms, reported {delivery.jitter_ms}; "
            f"{len(from_port(far.heard, scene.rtp_port))} heard directly"
        )
        assert delivery.state == "played"
        assert delivery.attempts == 1
        assert delivery.packets_sent == pytest.approx(len(passed), abs=15)
        assert delivery.packets_lost is not None
        assert reported - UNDER_WAY <= delivery.packets_lost <= lost + UNDER_WAY
        assert delivery.jitter_ms is not None
        assert 0.8 * min(jitter) <= delivery.jitter_ms <= 1.2 * max(jitter)
    for code, speaker in speakers.items():
        assert breaks(speaker.heard) == [], code
        assert deliveries[code].packets_lost == 0
