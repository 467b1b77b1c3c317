"""Faults in the middle of work: a killed node, a wrong clock, and a database that is away from one node or from all."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Broadcast
from broadcast_bridge.schedule.models import Occurrence
from dialplans.left_messages import FOLDER
from haichieu.audio.sound import read_wav
from haichieu.demo.audio_matching import match
from haichieu.demo.trial_station import TrialStation, until
from haichieu.media import MediaStore
from tests.cluster.province import CODES, NAMES, WEST, ZONE, Province, joined
from tests.station import on_air
from tests.station.scene import SAME

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("heavy"),
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="session"),
]

AGAIN_SECONDS = 10.0
IN_STEP_SECONDS = 0.1
AHEAD_SECONDS = 3.0
MORE_SECONDS = 12.0
"""Chimes at both ends, and what is played while a call is up."""


@pytest.fixture(scope="module")
def long(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty seconds of speech."""
    return joined(tmp_path_factory.mktemp("faults"), [speech] * 15, "long")


@pytest.fixture(scope="module")
def bulletin(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nearly as much speech as a programme, which has the file to itself: an upload is stored as it came."""
    return joined(tmp_path_factory.mktemp("bulletin"), [speech] * 14, "bulletin")


@pytest.fixture(scope="module")
def message(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds: the last two of a recording are in Asterisk's memory when it is killed."""
    return joined(tmp_path_factory.mktemp("message"), [speech] * 5, "message")


def longest_heard(cluster: Province) -> float:
    """Return the seconds of sound that a loudspeaker has heard at most since it was switched on."""
    return max(read_wav(file).seconds for file in cluster.recordings.values() if file.exists())


def spool(cluster: Province, node: str) -> list[Path]:
    """Return the recordings of citizens' messages at a node that are not stored yet."""
    return list((cluster.nodes[node].settings.home / "spool").rglob("message*.wav"))


@pytest.mark.parametrize("zone", [ZONE, WEST])
async def test_schedule_of_a_node_killed_at_its_start_is_heard_once(
    cluster: Province, bulletin: Path, zone: str
) -> None:
    database = cluster.database
    programme = on_air.programme_named(database, cluster.nodes["dong"].settings.home, bulletin)
    planned = on_air.plan_in(database, 6, zone, programme_id=programme)
    of_schedule = sa.select(Broadcast).where(Broadcast.asked_by == f"schedule:{planned}")

    def begun() -> Broadcast | None:
        with database.reading() as session:
            return session.scalar(of_schedule.where(Broadcast.state != "planned"))

    await until(lambda: begun() is not None, "a node has begun it", 40, pause=0.01)
    broadcast = begun()
    assert broadcast is not None
    lost = broadcast.node
    await cluster.kill(lost)
    killed = time.monotonic()
    moved = await cluster.speaker(CODES[lost], next(name for name in NAMES if name != lost))
    await moved.sound(20)
    assert time.monotonic() - killed < AGAIN_SECONDS
    ended = await cluster.until_state(broadcast.id, "ended", "failed", seconds=90)
    assert (ended.state, ended.reason) == ("ended", None)
    with database.reading() as session:
        assert len(session.scalars(of_schedule).all()) == 1, "nothing twice"
    assert longest_heard(cluster) < read_wav(bulletin).seconds + MORE_SECONDS, "nothing twice"
    await until(lambda: on_air.occurrence(database, planned)[0] == "aired", "the occurrence is aired")


async def test_hotline_message_of_a_killed_node_becomes_one_case_when_it_returns(
    cluster: Province, message: Path
) -> None:
    before = len(cluster.messages())
    async with cluster.phone("giua", "may-dan") as citizen:
        await citizen.call("1022")
        await citizen.digits("21")
        await until(lambda: spool(cluster, "giua") != [], "the recording", 30)
        await citizen.play(message)
        await cluster.kill("giua")
        citizen.kill()
    assert len(cluster.messages()) == before, "the other nodes do not have its sound"
    await cluster.nodes["giua"].start()
    await until(lambda: len(cluster.messages()) == before + 1, "the message is filed", 120)
    await until(lambda: spool(cluster, "giua") == [], "the spool is empty", 30)
    (filed,) = cluster.messages()[before:]
    assert filed.sound is not None
    file = MediaStore(cluster.nodes["giua"].settings.home / "media", 1).path(filed.sound)
    assert match(read_wav(message), read_wav(file)).correlation > SAME
    await asyncio.sleep(4)  # the other nodes look every three seconds
    assert len(cluster.messages()) == before + 1


async def test_broadcast_across_nodes_outlives_a_restart_of_the_database(cluster: Province, long: Path) -> None:
    number = cluster.ask(long, "dong")
    await cluster.until_playing(number)
    cluster.postgres.restart()
    ended = await cluster.until_state(number, "ended", "failed", seconds=90)
    assert (ended.state, ended.reason) == ("ended", None)
    assert {code: node for code, (_, node, _) in cluster.deliveries(number).items()} == {
        code: name for name, code in CODES.items()
    }
    reasons = {reason for _, _, reason in cluster.deliveries(number).values()}
    assert reasons <= {None, "heard_in_part"}, "on a busy machine some packets are late"
    assert {code for code in CODES.values() if cluster.heard(code, long).correlation < SAME} == set()


async def test_node_without_the_database_keeps_its_calls_and_reports_later(
    cluster: Province, long: Path, speech: Path
) -> None:
    before = len(cluster.messages())
    number = cluster.ask(long, "dong")
    await cluster.until_playing(number)
    cluster.line.cut()
    try:
        left = cluster.nodes["tay"].settings.home / FOLDER
        async with cluster.phone("tay", "may-dan") as citizen:
            await citizen.call("1022")
            await until(lambda: list(left.glob("*.wav")) != [], "Asterisk takes a message by itself", 40)
            await citizen.play(speech)
            await citizen.hang_up()
        await until(lambda: ("node_down", "node:tay") in cluster.open_alarms(), "it counts as lost", 20)
        await cluster.speakers["loa-tay"].call_ended(60)
        assert cluster.heard("loa-tay", long).correlation >= SAME
    finally:
        cluster.line.mend()
    await until(lambda: ("node_down", "node:tay") not in cluster.open_alarms(), "it is back", 30)
    await until(lambda: len(cluster.messages()) == before + 1, "the message is filed", 40)
    ended = await cluster.until_state(number, "ended", "failed", seconds=60)
    assert ended.state == "ended"
    await until(lambda: cluster.node_of("loa-tay") == "tay", "its loudspeaker is reachable again", 40)


@asynccontextmanager
async def clock_ahead(node: TrialStation) -> AsyncIterator[None]:
    """Let a node run with a wrong clock during the block."""
    right = node.environment
    await node.stop()
    folder = str(Path(__file__).with_name("wrong_clock"))
    node.environment = {**right, "PYTHONPATH": folder, "CLOCK_IS_AHEAD": str(AHEAD_SECONDS)}
    try:
        await node.start()
        yield
    finally:
        await node.stop()
        node.environment = right
        await node.start()


async def test_node_with_a_wrong_clock_is_reported_and_plays_in_step_on_time(
    cluster: Province, speech: Path, bulletin: Path
) -> None:
    database = cluster.database
    async with clock_ahead(cluster.nodes["tay"]):
        await until(lambda: ("clock_off", "node:tay") in cluster.open_alarms(), "the alarm is raised", 20)
        spreads = []
        for _ in range(5):  # see the test of a recording in step
            for name, code in CODES.items():
                await cluster.speaker(code, name)
            number = cluster.ask(speech, "dong")
            ended = await cluster.until_state(number, "ended", "failed")
            assert (ended.state, ended.reason) == ("ended", None)
            times = [cluster.heard_at(code, speech) for code in CODES.values()]
            spreads.append(max(times) - min(times))
            if spreads[-1] <= IN_STEP_SECONDS:
                break
        assert min(spreads) <= IN_STEP_SECONDS, f"spread of the speech between the nodes: {spreads}"

        def sounds() -> list[float]:
            return [float(event["at"]) for event in cluster.speakers["loa-tay"].events if event["event"] == "sound"]

        before = len(sounds())
        programme = on_air.programme_named(database, cluster.nodes["dong"].settings.home, bulletin)
        planned = on_air.plan_in(database, 8, WEST, programme_id=programme)
        await until(lambda: on_air.occurrence(database, planned)[0] == "aired", "the occurrence is aired", 60)
        with database.reading() as session:
            due = session.scalars(sa.select(Occurrence.due_at).where(Occurrence.schedule_id == planned)).one()
        await until(lambda: len(sounds()) > before, "it is heard", 20)
        assert sounds()[before] >= due.timestamp(), "not by its own clock"
    await until(lambda: ("clock_off", "node:tay") not in cluster.open_alarms(), "the alarm is over", 20)
