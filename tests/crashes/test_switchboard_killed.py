"""The switchboard dies in the middle of a live broadcast, alone or with the whole supervisor."""

import asyncio
from pathlib import Path

import pytest

from haichieu.alarms import AlarmKind, open_alarms
from haichieu.demo.trial_station import until
from tests.crashes.processes import child_of, descendants, is_running, kill, supervisor
from tests.station.district import HAI, PINS
from tests.station.scene import SAME, Scene

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.calls,
]

TO_THE_SPEAKERS = (PINS[HAI] + "#", "1", "11#", "1")


def alarms(scene: Scene) -> set[str]:
    """The kinds of open alarms."""
    with scene.station.database.session() as session:
        return {alarm.kind for alarm in open_alarms(session)}


def recordings(scene: Scene) -> list[Path]:
    """The recordings that were kept."""
    return list((scene.station.settings.home / "media").rglob("*.wav"))


async def channels_besides(scene: Scene, phone: str) -> list[str]:
    """The channels that Asterisk has, but for those of a phone."""
    return [channel["name"] for channel in await scene.asterisk("channels") if phone not in channel["name"]]


async def test_a_killed_switchboard_leaves_a_true_log_and_no_channel(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    scene.forget()
    await scene.go_live(phone, *TO_THE_SPEAKERS)
    await phone.play(scene.speeches["demo-congrats"])
    old = child_of(scene.station, "switchboard")
    kill(old)
    ended = await scene.ended()
    assert (ended.state, ended.reason) == ("failed", "switchboard_restarted")
    async with asyncio.timeout(5):
        while await scene.asterisk("bridges") or await channels_besides(scene, "may-hai"):  # noqa: ASYNC110 (asked)
            await asyncio.sleep(0.05)
    assert {code: one.state for code, one in ended.deliveries.items()} == {"cb-1": "played", "cb-2": "played"}
    assert all(one.seconds > 5 for one in ended.deliveries.values())
    assert scene.heard("cb-1", "demo-congrats").correlation > SAME
    assert ended.recorded
    assert recordings(scene)
    assert AlarmKind.BROADCAST_FAILED in alarms(scene)
    await phone.ended(15)  # after an apology
    await scene.quiet()


async def test_officials_go_live_again_at_once(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    scene.forget()
    await scene.go_live(phone, *TO_THE_SPEAKERS)
    await phone.play(scene.speeches["demo-congrats"])
    await phone.digits("#")
    ended = await scene.ended()
    assert (ended.state, {one.state for one in ended.deliveries.values()}) == ("ended", {"played"})
    assert scene.heard("cb-2", "demo-congrats").correlation > SAME
    await phone.hang_up()
    await scene.quiet()


async def test_a_killed_supervisor_leaves_no_process_and_the_next_start_closes_the_broadcast(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    await scene.go_live(phone, *TO_THE_SPEAKERS)
    pids = descendants(supervisor(scene.station))
    kill(supervisor(scene.station))
    await until(lambda: not any(map(is_running, pids)), "the end of every process", 15)
    assert scene.newest().state in ("on_air", "failed", "ended")
    await scene.station.stop()
    await scene.station.start()
    ended = await scene.ended()
    assert ended.state in ("failed", "ended")
    assert all(one.state in ("played", "failed") and one.seconds > 0 for one in ended.deliveries.values())
    await until(lambda: scene.reachable() >= {"cb-1", "cb-2"}, "the speakers", 40)
