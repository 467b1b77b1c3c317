"""Asterisk dies in the middle of a live broadcast."""

import pytest

from haichieu.demo.trial_station import until
from tests.crashes.processes import child_of, is_running, kill
from tests.station.district import HAI, PINS
from tests.station.scene import SAME, Scene

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.calls,
    pytest.mark.proof,
    pytest.mark.xdist_group("breakable"),
]


async def test_next_broadcast_is_heard_after_asterisk_was_killed(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    await scene.go_live(phone, PINS[HAI] + "#", "1", "11#", "1")
    await phone.play(scene.speeches["demo-instruct"])
    old = child_of(scene.station, "asterisk")
    kill(old)
    ended = await scene.ended()
    assert (ended.state, ended.reason) == ("failed", "asterisk_stopped")
    assert all(one.state in ("played", "failed") and one.seconds > 1.5 for one in ended.deliveries.values())
    assert not is_running(old)
    await phone.stop()

    # Asterisk stored where cb-2 was last seen; cb-1 registers again, since its TLS connection is gone.
    await until(lambda: scene.reachable() >= {"cb-1", "cb-2"}, "the speakers", 40)
    scene.forget()
    again = await scene.phone("may-hai")
    await scene.go_live(again, PINS[HAI] + "#", "1", "11#", "1")
    await again.play(scene.speeches["demo-congrats"])
    await again.digits("#")
    ended = await scene.ended()
    assert (ended.state, {one.state for one in ended.deliveries.values()}) == ("ended", {"played"})
    assert scene.heard("cb-1", "demo-congrats").correlation > SAME
    assert scene.heard("cb-2", "demo-congrats").correlation > SAME
    await scene.hang_up(again)
    await scene.quiet()
