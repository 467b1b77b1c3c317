"""A live voice of an official at one node, heard by the loudspeakers of all of them."""

from pathlib import Path

import pytest

from broadcast_bridge.broadcasts.states import AfterCut
from haichieu.demo.trial_station import until
from tests.cluster.province import CODES, NAMES, PIN, ZONE, Province, joined
from tests.station.scene import SAME

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("heavy"),
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="session"),
]


async def until_playing(cluster: Province, number: int) -> None:
    def playing() -> int:
        return sum(state == "playing" for state, _, _ in cluster.deliveries(number).values())

    await until(lambda: playing() == len(NAMES), "all are playing", 40)


async def test_live_voice_is_heard_at_all_nodes(cluster: Province, speech: Path) -> None:
    async with cluster.phone("giua") as phone:
        live = await cluster.go_live(phone, f"{PIN}#", "1", f"{ZONE}#", "1")
        await until_playing(cluster, live.id)
        await phone.play(speech)
        await phone.digits("#")
        ended = await cluster.until_state(live.id, "ended", "failed")
        await phone.hang_up()
    assert (ended.state, ended.reason, ended.node) == ("ended", None, "giua")
    assert ended.recording_id is not None
    assert cluster.deliveries(live.id) == {code: ("played", name, None) for name, code in CODES.items()}
    assert {code for code in CODES.values() if cluster.heard(code, speech).correlation < SAME} == set()


async def test_live_emergency_takes_the_loudspeakers_of_all_nodes(
    cluster: Province, speech: Path, tmp_path: Path
) -> None:
    bulletin = cluster.ask(joined(tmp_path, [speech] * 15, "long"), "dong", after_cut=AfterCut.DROP)
    await until_playing(cluster, bulletin)
    async with cluster.phone("tay") as phone:
        live = await cluster.go_live(phone, f"{PIN}#", "9", f"{ZONE}#", "1")
        await until_playing(cluster, live.id)
        await phone.play(speech)
        await phone.digits("#")
        ended = await cluster.until_state(live.id, "ended", "failed")
        await phone.hang_up()
    assert (ended.state, ended.priority) == ("ended", "emergency")
    assert {state for state, _, _ in cluster.deliveries(live.id).values()} == {"played"}
    assert {state for state, _, _ in cluster.deliveries(bulletin).values()} == {"pre_empted"}
    assert {code for code in CODES.values() if cluster.heard(code, speech).correlation < SAME} == set()


async def test_live_voice_ends_everywhere_when_its_node_is_lost(cluster: Province, speech: Path) -> None:
    async with cluster.phone("dong") as phone:
        live = await cluster.go_live(phone, f"{PIN}#", "1", f"{ZONE}#", "1")
        await until_playing(cluster, live.id)
        await cluster.kill("dong")
        ended = await cluster.until_state(live.id, "ended", "failed", seconds=30)
        phone.kill()
    assert (ended.state, ended.reason) == ("failed", "node_lost")
    for name in ("giua", "tay"):
        await cluster.speakers[CODES[name]].call_ended(15)
