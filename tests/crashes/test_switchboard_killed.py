"""A switchboard killed in a live broadcast, alone or with its supervisor."""

from pathlib import Path

import pytest

from haichieu.alarms import AlarmKind, open_alarms
from haichieu.demo.process_tree import descendants
from haichieu.demo.trial_station import until
from tests.crashes.processes import child_of, is_running, kill, supervisor
from tests.station.district import HAI, PINS
from tests.station.scene import SAME, Scene

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.calls,
    pytest.mark.xdist_group("breakable"),
]

TO_THE_SPEAKERS = (PINS[HAI] + "#", "1", "11#", "1")


def alarms(scene: Scene) -> set[str]:
    """Return the kinds of open alarms."""
    with scene.station.database.session() as session:
        return {alarm.kind for alarm in open_alarms(session)}


def recordings(scene: Scene) -> list[Path]:
    """Return the recordings in the media store."""
    return list((scene.station.settings.home / "media").rglob("*.wav"))


def channels_besides(scene: Scene, phone: str) -> list[str]:
    """Return the channels of Asterisk without those of a phone."""
    return [channel["name"] for channel in scene.asterisk("channels") if phone not in channel["name"]]


def channels_of_speakers(scene: Scene) -> list[str]:
    """Return the channels of speakers that have answered."""
    return [
        one["name"] for one in scene.asterisk("channels") if one["id"].startswith("speaker-") and one["state"] == "Up"
    ]


async def test_killed_switchboard_leaves_a_true_log_and_no_channel(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    scene.forget()
    await scene.go_live(phone, *TO_THE_SPEAKERS)
    await phone.play(scene.speeches["demo-congrats"])
    old = child_of(scene.station, "switchboard")
    kill(old)
    ended = await scene.ended()
    assert (ended.state, ended.reason) == ("failed", "switchboard_restarted")
    await until(lambda: scene.asterisk("bridges") == [] == channels_besides(scene, "may-hai"), "only the phone", 5)
    assert {code: one.state for code, one in ended.deliveries.items()} == {"cb-1": "played", "cb-2": "played"}
    assert all(one.seconds > 1.5 for one in ended.deliveries.values())
    assert scene.heard("cb-1", "demo-congrats").correlation > SAME
    assert ended.recorded
    assert recordings(scene)
    assert AlarmKind.BROADCAST_FAILED in alarms(scene)
    await phone.ended(15)  # after an apology
    await scene.quiet()


async def test_switchboard_killed_while_official_confirms_leaves_nothing(scene: Scene) -> None:
    before = scene.broadcasts()
    phone = await scene.phone("may-hai")
    await scene.call(phone, "1900", *TO_THE_SPEAKERS[:-1])
    await until(lambda: len(channels_of_speakers(scene)) == 2, "the speakers are called ahead")
    kill(child_of(scene.station, "switchboard"))
    await until(lambda: channels_of_speakers(scene) == [], "the speakers are released", 20)
    await phone.ended(15)  # after an apology
    await scene.quiet()
    assert scene.broadcasts() == before


@pytest.mark.proof
async def test_official_goes_live_again_at_once(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    scene.forget()
    await scene.go_live(phone, *TO_THE_SPEAKERS)
    await phone.play(scene.speeches["demo-congrats"])
    await phone.digits("#")
    ended = await scene.ended()
    assert (ended.state, {one.state for one in ended.deliveries.values()}) == ("ended", {"played"})
    assert scene.heard("cb-2", "demo-congrats").correlation > SAME
    await scene.hang_up(phone)
    await scene.quiet()


@pytest.mark.proof
async def test_killed_supervisor_leaves_no_process_or_open_broadcast(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    await scene.go_live(phone, *TO_THE_SPEAKERS)
    pids = descendants(supervisor(scene.station))
    kill(supervisor(scene.station))
    await until(lambda: not any(map(is_running, pids)), "the end of every process", 15)
    assert scene.newest().state in ("on_air", "failed", "ended")
    await scene.station.stop()
    await scene.station.start()
    await scene.hang_up(phone)  # nobody was left who could have ended its call
    ended = await scene.ended()
    assert ended.state in ("failed", "ended")
    assert all(one.state in ("played", "failed") and one.seconds > 0 for one in ended.deliveries.values())
    await until(lambda: scene.reachable() >= {"cb-1", "cb-2"}, "the speakers", 40)
