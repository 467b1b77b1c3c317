"""An official with a telephone by other developers, Linphone, on the loudspeakers."""

from pathlib import Path

import pytest

from haichieu.demo.trial_station import until
from tests.peers.linphone import linphone
from tests.station import district
from tests.station.scene import SAME, Scene

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("callers"),
    pytest.mark.asyncio(loop_scope="session"),
]


def online(scene: Scene) -> set[str]:
    """The accounts that Asterisk can reach."""
    return {one["resource"] for one in scene.asterisk("endpoints") if one["state"] == "online"}


async def test_official_speaks_from_linphone(scene: Scene, tmp_path: Path) -> None:
    await scene.unplug("may-hai")
    async with linphone(tmp_path / "phone") as phone:
        await phone.register(scene.station.server, "may-hai", district.password("may-hai"))
        await until(lambda: "may-hai" in online(scene), "Linphone is registered")
        await phone.tell("call 1900")
        await phone.says("Media streams established")
        await phone.tell(f"{district.PINS[district.HAI]}#111#1")
        await until(lambda: scene.broadcasts() > 0 and scene.newest().live, "live", 30)
        await phone.tell(f"play {scene.speeches['demo-congrats']}")
        await until(lambda: scene.heard("cb-1", "demo-congrats").correlation > SAME, "heard at the loudspeaker", 20)
        await phone.tell("#")
        aired = await scene.ended()
        await phone.tell("terminate")
        await phone.says("ended")
    assert (aired.state, aired.reason) == ("ended", None)
    assert aired.deliveries["cb-1"].state == "played"
