"""A node that is killed while it plays: its loudspeakers register elsewhere and hear the rest, once."""

import time
from pathlib import Path

import pytest

from haichieu.alarms import open_alarms
from haichieu.demo.trial_station import until
from haichieu.station_status import nodes_of_status
from tests.cluster.province import NAMES, WEST, Province, joined

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("heavy"),
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="session"),
]

AGAIN_SECONDS = 10.0
PIECES = 15
"""Of two seconds each: a recording that is still playing when a node has been found dead."""


@pytest.fixture(scope="module")
def long(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return joined(tmp_path_factory.mktemp("long"), [speech] * PIECES, "long")


async def until_playing(cluster: Province, number: int, speakers: int) -> None:
    def playing() -> int:
        return sum(state == "playing" for state, _, _ in cluster.deliveries(number).values())

    await until(lambda: playing() == speakers, f"{speakers} are playing", 40)


@pytest.mark.parametrize("lost", ["tay", "dong"])
async def test_rest_of_a_shared_recording_is_heard_at_another_node(cluster: Province, long: Path, lost: str) -> None:
    number = cluster.ask(long, "dong")
    await until_playing(cluster, number, len(NAMES))
    await cluster.kill(lost)
    killed = time.monotonic()
    moved = await cluster.speaker(f"loa-{lost}", "giua")
    await moved.sound(AGAIN_SECONDS)
    assert time.monotonic() - killed < AGAIN_SECONDS
    ended = await cluster.until_state(number, "ended", "failed", seconds=90)
    assert (ended.state, ended.reason) == ("ended", None)
    states = cluster.deliveries(number)
    moved_state, served_by, _ = states.pop(f"loa-{lost}")
    assert served_by == "giua"
    assert moved_state in ("played", "failed"), "it has missed a moment, or more on a busy machine"
    assert {reason for state, _, reason in states.values() if state != "played"} <= {"heard_in_part"}, "if it is busy"
    assert len([event for event in moved.events if event["event"] == "call_started"]) == 1, "nothing twice"


async def test_recording_of_a_lost_node_continues_at_another_one(cluster: Province, long: Path) -> None:
    number = cluster.ask(long, "giua", zone=WEST)
    await until_playing(cluster, number, 1)
    assert cluster.broadcast(number).node == "tay", "the node of the speakers plays it"
    await cluster.kill("tay")
    killed = time.monotonic()
    moved = await cluster.speaker("loa-tay", "dong")
    await moved.sound(20)
    assert time.monotonic() - killed < AGAIN_SECONDS
    ended = await cluster.until_state(number, "ended", "failed", seconds=90)
    assert ended.state == "ended"
    assert ended.node == "dong"


async def test_lost_node_raises_an_alarm_and_takes_nothing_when_it_returns(cluster: Province, long: Path) -> None:
    number = cluster.ask(long, "giua")
    await until_playing(cluster, number, len(NAMES))
    await cluster.kill("tay")

    def alarms() -> set[tuple[str, str]]:
        with cluster.database.reading() as session:
            return {(alarm.kind, alarm.subject) for alarm in open_alarms(session)}

    await until(lambda: ("node_down", "node:tay") in alarms(), "the alarm is raised", 20)
    await cluster.nodes["tay"].start()
    await until(lambda: ("node_down", "node:tay") not in alarms(), "the alarm is over", 20)
    with cluster.database.reading() as session:
        assert [(node.name, node.ok) for node in nodes_of_status(session)] == [(name, True) for name in NAMES]
    ended = await cluster.until_state(number, "ended", "failed", seconds=90)
    assert (ended.state, ended.reason) == ("ended", None)
