"""The province of the cluster demonstration: PostgreSQL, nodes and Kamailio on loopback, with loudspeakers in front."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from broadcast_bridge.models import Broadcast, Delivery, Speaker
from haichieu.audio.sound import Sound, active_frames, read_wav
from haichieu.database import Database, migrate
from haichieu.demo.audio_matching import Match, match
from haichieu.demo.baresip_speaker import PROGRAM, BaresipSpeaker, installed_version
from haichieu.demo.private_postgres import PrivatePostgres, private_postgres
from haichieu.demo.sip_proxy import SipProxy, sip_proxy
from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import LOOPBACK, TrialStation, free_port, trial_nodes, until

DISTRICT = Path(__file__).parents[2] / "examples" / "cluster.toml"
NODES = ("dong", "giua", "tay")
CODES = tuple(f"xa-0{number}" for number in range(1, 7))
OF_OTHER_DEVELOPERS = "xa-06"
ZONE, OFFICIALS_LINE, PIN = "77", "1900", "246810"
REGISTRATION_SECONDS = 10
CONNECTIONS = "200"
QUICK: dict[str, str | int] = {
    "check_direct_calls": False,
    "transcriber": "none",
    "qualify_seconds": 2,
    "min_free_megabytes": 1,
    "behind_proxy": True,
    "registration_seconds": REGISTRATION_SECONDS,
}


@dataclass
class Loudspeaker:
    """One loudspeaker in front of the nodes; `soft` is None if it is software by other developers."""

    code: str
    software: str
    recording: Path
    soft: SoftSpeaker | None
    baresip: BaresipSpeaker | None = None
    _begin: int = 0

    def heard(self) -> Sound:
        """Return what it has heard since the last `forget`."""
        sound = self.baresip.heard() if self.baresip else read_wav(self.recording)
        return Sound(sound.samples[self._begin :], sound.rate)

    def forget(self) -> None:
        """Ignore what it has heard so far."""
        self._begin += len(self.heard().samples)

    def sounds(self) -> list[float]:
        """Return when the sound of each of its calls began (epoch seconds); empty if it does not tell."""
        return [float(event["at"]) for event in self.soft.events if event["event"] == "sound"] if self.soft else []

    def speech_at(self, speech: Sound) -> tuple[Match, float | None]:
        """Return how much of a speech it heard since the last `forget`, and when the speech began."""
        heard = self.heard()
        found = match(speech, heard)
        if not self.sounds():
            return found, None
        return found, speech_begins(self.sounds()[-1], heard, found)


def speech_begins(first_sound: float, heard: Sound, found: Match) -> float:
    """Return when a speech began in a call whose `first_sound` was at a moment (epoch seconds)."""
    return first_sound - float(active_frames(heard).argmax()) / 50 + found.delay_seconds


@dataclass
class Stage:
    """What runs, and what can be seen of it."""

    nodes: dict[str, TrialStation]
    proxy: SipProxy
    postgres: PrivatePostgres
    folder: Path
    speakers: dict[str, Loudspeaker] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The database of all nodes."""
        return self.nodes[NODES[0]].database

    def served_by(self) -> dict[str, str]:
        """Return the node of every loudspeaker that can be reached."""
        with self.database.reading() as session:
            rows = session.execute(sa.select(Speaker.code, Speaker.node).where(Speaker.reachable)).all()
            return {code: node for code, node in rows}

    def broadcast(self, number: int) -> Broadcast:
        """Return the row of a broadcast; an empty one if there is none."""
        with self.database.reading() as session:
            return session.get(Broadcast, number) or Broadcast()

    def newest(self) -> Broadcast:
        """Return the newest broadcast; an empty one if there is none."""
        with self.database.reading() as session:
            return session.scalar(sa.select(Broadcast).order_by(Broadcast.id.desc()).limit(1)) or Broadcast()

    def deliveries(self, number: int) -> dict[str, str]:
        """Return the state of each delivery of a broadcast, by loudspeaker."""
        with self.database.reading() as session:
            rows = session.execute(
                sa.select(Speaker.code, Delivery.state).join(Delivery.speaker).where(Delivery.broadcast_id == number)
            ).all()
            return {code: state for code, state in rows}

    async def until_playing(self, number: int) -> None:
        """Wait until every loudspeaker plays a broadcast."""
        await until(lambda: set(self.deliveries(number).values()) == {"playing"}, "every loudspeaker plays", 40)

    async def ended(self, number: int) -> Broadcast:
        """Wait until a broadcast is over and return it."""
        await until(lambda: self.broadcast(number).ended_at is not None, "the broadcast has ended", 90)
        return self.broadcast(number)

    @asynccontextmanager
    async def phone(self) -> AsyncIterator[SoftPhone]:
        """Register the official's telephone for the length of the block."""
        async with SoftPhone(server=self.proxy.server, id="can-bo", password="phone-can-bo-secret") as phone:  # noqa: S106
            await phone.registered()
            yield phone

    def forget(self) -> None:
        """Ignore what the loudspeakers have heard so far."""
        for speaker in self.speakers.values():
            speaker.forget()


@asynccontextmanager
async def stage(folder: Path, names: Sequence[str] = NODES, codes: Sequence[str] = CODES) -> AsyncIterator[Stage]:
    """Run everything for the length of the block."""
    async with AsyncExitStack() as stack:
        postgres = stack.enter_context(private_postgres(PrivatePostgres, max_connections=CONNECTIONS))
        postgres.execute("CREATE DATABASE haichieu")
        migrate(postgres.url("haichieu"))
        nodes = await stack.enter_async_context(trial_nodes(DISTRICT, postgres.url("haichieu"), names, **QUICK))
        port = free_port(socket.SOCK_DGRAM, socket.SOCK_STREAM)
        servers = [node.server for node in nodes.values()]
        proxy = await stack.enter_async_context(sip_proxy(folder / "kamailio", port, servers))
        made = Stage(nodes, proxy, postgres, folder)
        for code in codes:
            made.speakers[code] = await _switched_on(stack, proxy.server, folder, code)
        await until(lambda: set(made.served_by()) == set(codes), "every loudspeaker is reachable", 60)
        yield made


async def _switched_on(stack: AsyncExitStack, server: str, folder: Path, code: str) -> Loudspeaker:
    password, version = f"speaker-{code}-secret", installed_version()
    if code == OF_OTHER_DEVELOPERS and version is not None:
        baresip = await stack.enter_async_context(
            BaresipSpeaker(
                server=server, id=code, password=password, folder=folder / code, expires=REGISTRATION_SECONDS
            )
        )
        await baresip.registered(30)
        return Loudspeaker(code, f"{PROGRAM} {version}", folder / code, None, baresip)
    recording = folder / f"{code}.wav"
    soft = await stack.enter_async_context(
        SoftSpeaker(
            server=server, id=code, password=password, record=recording, bind=LOOPBACK, expires=REGISTRATION_SECONDS
        )
    )
    await soft.registered(30)
    return Loudspeaker(code, "haichieu", recording, soft)
