"""Three nodes with Kamailio and PostgreSQL: first sound, step, what the database writes, registrations, and a kill."""

import asyncio
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
import sqlalchemy as sa

from broadcast_bridge.broadcasts import calling_off, starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.models import Broadcast, Speaker
from haichieu.audio.sound import Sound, write_wav
from haichieu.database import now
from haichieu.demo.private_postgres import PrivatePostgres, private_postgres
from haichieu.demo.process_tree import descendants
from haichieu.demo.sip_proxy import SipProxy, sip_proxy
from haichieu.demo.trial_station import LOOPBACK, TrialStation, free_port, trial_nodes, until
from haichieu.media import MediaStore
from haichieu.nodes import nodes_lost
from tests.benchmarks.sink import RtpSink
from tests.benchmarks.speakers import answering, cpu_seconds, register_all
from tests.benchmarks.table import Row
from tests.builders.sounds import kept

Tell = Callable[[Row], None]
NODES = ("dong", "giua", "tay")
PASSWORD = "secret-of-a-speaker"
FEW = 10
SETTLED_SECONDS = 3.0
"""PostgreSQL's counters may be a second late."""
IDLE_SECONDS = 20.0
SECONDS_OF_SOUND = 20
REGISTERED = 4
"""Times that every speaker registers for a measurement."""
WRITTEN = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables"
DONE = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
LOGGED = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


@dataclass(frozen=True)
class Writes:
    """What the database has done: rows written, transactions of every kind, bytes of its log (WAL)."""

    rows: float
    transactions: float
    log_bytes: float

    def minus(self, other: "Writes", times: float = 1.0) -> "Writes":
        """Return the difference."""
        return Writes(
            self.rows - times * other.rows,
            self.transactions - times * other.transactions,
            self.log_bytes - times * other.log_bytes,
        )


@dataclass
class Cluster:
    """The nodes with their speakers, which are sockets of this process."""

    nodes: dict[str, TrialStation]
    proxy: SipProxy
    postgres: PrivatePostgres
    sink: RtpSink
    names: list[str]
    voice: Path
    stack: AsyncExitStack

    def writes(self) -> Writes:
        """Return what the database has done so far."""
        with psycopg.connect(self.postgres.url("bench")) as connection:
            found = [connection.execute(query).fetchone() for query in (WRITTEN, DONE, LOGGED)]
        return Writes(*(float(row[0]) if row else 0.0 for row in found))

    def register(self, names: Sequence[str]) -> None:
        """Register speakers, all from one port, where SIPp answers their calls from then on."""
        port = register_all((LOOPBACK, self.proxy.port), names, PASSWORD)
        self.stack.enter_context(answering(self.voice.parent, port, self.sink.port))

    def ask(self, zone: int) -> int:
        """Ask for the sound in the zone of so many speakers."""
        first = self.nodes[NODES[0]]
        copy = Path(shutil.copy(self.voice, self.voice.with_suffix(".upload")))
        with first.database.session() as session:
            media = kept(session, MediaStore(first.settings.home / "media", 1), copy)
            return starting.ask(session, Request("bench", "bench", [media.id], [str(zone)]), now()).id

    async def stop(self, number: int) -> None:
        """Stop a broadcast and wait until it is closed."""
        with self.nodes[NODES[0]].database.session() as session:
            calling_off.stop(session, number, "account:bench@example", now())
        await self.closed(number)

    async def closed(self, number: int) -> None:
        """Wait until a broadcast is over."""

        def is_over() -> bool:
            with self.nodes[NODES[0]].database.reading() as session:
                return session.get_one(Broadcast, number).ended_at is not None

        await until(is_over, "the broadcast is over", 90, pause=2.0)  # its own looks are counted, too

    async def heard_by(self, speakers: int, seconds: float = 30.0) -> tuple[float, float]:
        """Wait until so many speakers hear something; return when the first and the last did."""
        await until(lambda: len(self.sink.first_sound) >= speakers, f"{speakers} speakers hear it", seconds)
        return min(self.sink.first_sound.values()), max(self.sink.first_sound.values())

    def names_at(self, node: str) -> list[str]:
        """Return the speakers that a node serves."""
        with self.nodes[NODES[0]].database.reading() as session:
            return list(session.scalars(sa.select(Speaker.code).where(Speaker.reachable, Speaker.node == node)))

    def served(self) -> dict[str, int]:
        """Return the number of speakers by node."""
        with self.nodes[NODES[0]].database.reading() as session:
            counted = sa.select(Speaker.node, sa.func.count()).where(Speaker.reachable).group_by(Speaker.node)
            return {node: count for node, count in session.execute(counted).all()}


def _district(size: int) -> str:
    names = [f"s{index:04}" for index in range(size)]
    speakers = "".join(
        f'[[speakers]]\nid = "{name}"\nname = "{name}"\nunit = "A"\npassword = "{PASSWORD}"\ncodecs = ["ulaw"]\n'
        for name in names
    )
    zones = "".join(
        f'[[zones]]\ncode = "{count}"\nname = "{count}"\nspeakers = {names[:count]}\n' for count in {FEW, size}
    )
    return f'[[units]]\ncode = "A"\nname = "A"\nlevel = "commune"\n{speakers}{zones}'.replace("'", '"')


@asynccontextmanager
async def _cluster(folder: Path, size: int) -> AsyncIterator[Cluster]:
    district, voice = folder / "district.toml", folder / "voice.wav"
    district.write_text(_district(size))
    noise = np.random.default_rng(1).uniform(-0.2, 0.2, SECONDS_OF_SOUND * 8000).astype(np.float32)
    write_wav(voice, Sound(noise, 8000))
    settings = {"qualify_seconds": 0, "check_direct_calls": False, "transcriber": "none", "behind_proxy": True}
    async with AsyncExitStack() as stack:
        sink = stack.enter_context(RtpSink())
        postgres = stack.enter_context(private_postgres(PrivatePostgres, max_connections="200"))
        postgres.execute("CREATE DATABASE bench")
        nodes = await stack.enter_async_context(trial_nodes(district, postgres.url("bench"), NODES, **settings))
        port = free_port(socket.SOCK_DGRAM, socket.SOCK_STREAM)
        servers = [node.server for node in nodes.values()]
        proxy = await stack.enter_async_context(sip_proxy(folder / "kamailio", port, servers))
        names = [f"s{index:04}" for index in range(size)]
        made = Cluster(nodes, proxy, postgres, sink, names, voice, stack)
        await asyncio.to_thread(made.register, names)
        await until(lambda: sum(made.served().values()) == size, "every speaker reachable", 60)
        yield made


async def measure_cluster(tell: Tell, size: int, runs: int) -> None:
    """Measure with `size` speakers at three nodes."""
    with tempfile.TemporaryDirectory(prefix="haichieu-bench-") as folder:
        async with _cluster(Path(folder), size) as cluster:
            tell((f"3 nodes, {size} speakers: speakers by node", str(sorted(cluster.served().values())), "", "", ""))
            await _sounds(cluster, tell, size, runs)
            idle = await _idle(cluster, tell)
            await _database(cluster, tell, size, idle)
            await _registrations(cluster, tell)
            await _kill(cluster, tell, size)


async def _sounds(cluster: Cluster, tell: Tell, size: int, runs: int) -> None:
    lasts, spreads = [], []
    for _ in range(runs + 1):
        cluster.sink.clear()
        asked = time.time()
        number = cluster.ask(size)
        first, last = await cluster.heard_by(size)
        lasts.append(last - asked)
        spreads.append(last - first)
        await cluster.stop(number)
    label = f"3 nodes, {size} speakers: asked for → first sound at the last speaker (s)"
    tell((label, f"{statistics.median(lasts[1:]):.2f}", "", "", "≤ 2"))  # the agreed second is part of it
    label = f"3 nodes, {size} speakers: first to last speaker of all nodes (s)"
    tell((label, f"{statistics.median(spreads[1:]):.3f}", "", "", "≤ 0.1"))


async def _counted(cluster: Cluster, work: Callable[[], object] | None, seconds: float) -> tuple[Writes, float]:
    """Return what the database does during some seconds, and how many they were."""
    before, began = cluster.writes(), time.monotonic()
    if work is not None:
        work()
    await asyncio.sleep(seconds)
    return cluster.writes().minus(before), time.monotonic() - began


async def _idle(cluster: Cluster, tell: Tell) -> Writes:
    await asyncio.sleep(SETTLED_SECONDS)
    done, seconds = await _counted(cluster, None, IDLE_SECONDS)
    idle = Writes(done.rows / seconds, done.transactions / seconds, done.log_bytes / seconds)
    count = len(NODES)
    each = f"{idle.rows / count:.1f}, {idle.transactions / count:.1f}, {idle.log_bytes / count / 1000:.1f}"
    tell(("3 nodes idle: rows written, transactions, kB of log a second, for each node", each, "", "", ""))
    return idle


async def _database(cluster: Cluster, tell: Tell, size: int, idle: Writes) -> None:
    costs = {}
    for speakers in (FEW, size):
        before, began = cluster.writes(), time.monotonic()
        cluster.sink.clear()
        number = cluster.ask(speakers)
        await cluster.closed(number)
        await asyncio.sleep(SETTLED_SECONDS)
        costs[speakers] = cluster.writes().minus(before).minus(idle, time.monotonic() - began)
    for what, of in (
        ("rows written", lambda one: one.rows),
        ("bytes of log", lambda one: one.log_bytes),
    ):
        few, many = of(costs[FEW]), of(costs[size])
        each = (many - few) / (size - FEW)
        label = f"3 nodes, a broadcast of {SECONDS_OF_SOUND} s: {what}, and more for each speaker"
        tell((label, f"{few - FEW * each:.0f}, {each:.1f}", "", "", ""))


async def _registrations(cluster: Cluster, tell: Tell) -> None:
    asterisks = [
        pid
        for node in cluster.nodes.values()
        for pid, command in descendants(node.process.pid if node.process else 0).items()
        if "asterisk.conf" in command
    ]
    proxies = [cluster.proxy.pid, *descendants(cluster.proxy.pid)]
    others = [
        pid
        for node in cluster.nodes.values()
        for pid in descendants(node.process.pid if node.process else 0)
        if pid not in asterisks
    ]
    groups = {"Kamailio": proxies, "Asterisk": asterisks, "the rest of the nodes": others}

    def used() -> dict[str, float]:
        return {name: sum(map(cpu_seconds, pids)) for name, pids in groups.items()}

    start, began = used(), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    before, idle_for = used(), time.monotonic() - began
    began = time.monotonic()
    for _ in range(REGISTERED):
        await asyncio.to_thread(cluster.register, cluster.names)
    count, seconds = REGISTERED * len(cluster.names), time.monotonic() - began
    after = used()
    cost = {name: after[name] - before[name] - (before[name] - start[name]) * seconds / idle_for for name in groups}
    shown = ", ".join(f"{name} {1000 * one / count:.2f}" for name, one in cost.items())
    tell(("registration through Kamailio: processor time of each (ms)", shown, "", "", ""))
    tell(("registration through Kamailio: one after the other, a second", f"{count / seconds:.0f}", "", "", ""))


async def _kill(cluster: Cluster, tell: Tell, size: int) -> None:
    served = cluster.served()
    lost = max(NODES[1:], key=lambda name: served.get(name, 0))
    number = cluster.ask(size)
    cluster.sink.clear()
    await cluster.heard_by(size)
    theirs = cluster.names_at(lost)
    await cluster.nodes[lost].kill()
    killed = time.time()
    cluster.sink.clear()

    def is_known() -> bool:
        with cluster.nodes[NODES[0]].database.reading() as session:
            return lost in nodes_lost(session)

    registered = asyncio.create_task(asyncio.to_thread(cluster.register, theirs))
    _, last = await cluster.heard_by(size, 60)  # those of the other nodes at once
    await registered
    await until(is_known, "the node is known as lost", 20)
    known = time.time() - killed
    tell((f"3 nodes, {size} speakers, one node killed: known as lost after (s)", f"{known:.1f}", "", "", "≤ 7"))
    label = f"3 nodes, {size} speakers, one node killed: all hear the rest, registered again at once, after (s)"
    tell((label, f"{last - killed:.1f}", "", "", "≤ 10"))
    await cluster.stop(number)
