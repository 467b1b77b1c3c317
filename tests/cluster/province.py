"""Three nodes that share one PostgreSQL, with a loudspeaker at each, and what a test can do and see there."""

import datetime
import itertools
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from broadcast_bridge.broadcasts import calling_off, starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from feedback.models import Message
from feedback.states import Direction
from haichieu.alarms import open_alarms
from haichieu.audio.sound import Sound, active_frames, read_wav, write_wav
from haichieu.database import Database, now
from haichieu.demo.audio_matching import Match, match
from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import TrialStation, trial_nodes, until
from haichieu.media import MediaStore
from tests.builders.sounds import kept
from tests.cluster.database_line import DatabaseLine
from tests.every_table import load_every_table
from tests.postgres import PostgresCluster, private_cluster

load_every_table()

NAMES = ("dong", "giua", "tay")
CODES = {"dong": "loa-dong", "giua": "loa-giua", "tay": "loa-tay"}
ZONE = "77"
_NUMBERS = itertools.count(1)

DISTRICT = """
[station]
name = "Tỉnh"
reply_hours = "00:00-00:00"

[[units]]
code = "T"
name = "Xã"
level = "commune"
"""
SPEAKER = """
[[speakers]]
id = "{code}"
name = "Loa {code}"
unit = "T"
password = "secret-of-{code}"
encrypted = false
"""
OF_ALL = """
[[zones]]
code = "77"
name = "Cả tỉnh"
units = ["T"]

[[zones]]
code = "78"
name = "Phía tây"
speakers = ["loa-tay"]
"""
OFFICIAL, PIN = "+84912000001", "246810"
CITIZEN = "+84977000111"
CALLERS = f"""
[[officials]]
code = "1001"
name = "Nông Văn Hải"
unit = "T"
phones = ["{OFFICIAL}"]
pin = "{PIN}"
zones = ["77"]
may = ["live", "emergency"]

[[numbers]]
number = "1900"
flow = "official-line"
unit = "T"

[[phones]]
id = "may-hai"
name = "Máy Hải"
password = "secret-of-may-hai"
caller_number = "{OFFICIAL}"
encrypted = false

[[numbers]]
number = "1022"
flow = "hotline"
unit = "T"

[[departments]]
code = "kinh-te"
name = "Phòng Kinh tế"

[[categories]]
code = "1"
name = "Điện, nước"
department = "kinh-te"
answer_within_days = 7

[[phones]]
id = "may-dan"
name = "Máy dân"
password = "secret-of-may-dan"
caller_number = "{CITIZEN}"
encrypted = false
"""
WEST = "78"
"""The zone of the loudspeaker at the last node."""


@dataclass
class Province:
    """The nodes by name, and the loudspeakers that are on."""

    nodes: dict[str, TrialStation]
    folder: Path
    stack: AsyncExitStack
    postgres: PostgresCluster
    line: DatabaseLine
    """The line to PostgreSQL of the last node."""
    speakers: dict[str, SoftSpeaker] = field(default_factory=dict)
    recordings: dict[str, Path] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The database of all nodes."""
        return self.nodes[NAMES[0]].database

    async def speaker(self, code: str, node: str) -> SoftSpeaker:
        """Switch a loudspeaker on, or move it to another node, and wait until that one can reach it."""
        if known := self.speakers.pop(code, None):
            known.kill()
        self.recordings[code] = self.folder / f"{code}-{next(_NUMBERS)}.wav"
        speaker = await self.stack.enter_async_context(
            SoftSpeaker(
                id=code,
                password=f"secret-of-{code}",
                server=self.nodes[node].server,
                record=self.recordings[code],
                bind="127.0.0.1",
            )
        )
        self.speakers[code] = speaker
        await speaker.registered(40)
        await until(lambda: self.node_of(code) == node, f"{code} is reachable at {node}", 30)
        return speaker

    @asynccontextmanager
    async def phone(self, node: str, name: str = "may-hai") -> AsyncIterator[SoftPhone]:
        """Register the official's telephone, or another one, at a node for the length of the block."""
        async with SoftPhone(id=name, password=f"secret-of-{name}", server=self.nodes[node].server) as phone:
            await phone.registered()
            yield phone

    async def go_live(self, phone: SoftPhone, *keys: str) -> Broadcast:
        """Call the officials' line, press keys, and wait until the voice is on; return the broadcast."""
        before = self.newest()
        await phone.call("1900")
        for part in keys:
            await phone.digits(part)

        def is_on() -> bool:
            newest = self.newest()
            return newest is not None and newest.live_at is not None and newest.id != (before.id if before else 0)

        await until(is_on, "the voice is on", 60)
        found = self.newest()
        assert found is not None
        return found

    def newest(self) -> Broadcast | None:
        """Return the newest broadcast."""
        with self.database.reading() as session:
            return session.scalar(sa.select(Broadcast).order_by(Broadcast.id.desc()).limit(1))

    def node_of(self, code: str) -> str:
        """Return the node that reaches a loudspeaker, "" if none does."""
        with self.database.reading() as session:
            return session.scalar(sa.select(Speaker.node).where(Speaker.code == code, Speaker.reachable)) or ""

    async def kill(self, name: str) -> None:
        """Kill every process of a node at once."""
        await self.nodes[name].kill()

    def ask(self, speech: Path, at: str, seconds: float = 0.0, zone: str = ZONE, **more: object) -> int:
        """Ask for a speech, whose file only one node has, in a zone; return the broadcast's id."""
        copy = Path(shutil.copy(speech, self.folder / f"upload-{next(_NUMBERS)}.wav"))
        due = now() + datetime.timedelta(seconds=seconds)
        with self.database.session() as session:
            sound = kept(session, MediaStore(self.nodes[at].settings.home / "media", 1), copy)
            request = Request("test", "Bản tin", [sound.id], [zone], due_at=due, **more)  # type: ignore[arg-type]
            return starting.ask(session, request, now()).id

    def open_alarms(self) -> set[tuple[str, str]]:
        """Return kind and subject of each open alarm."""
        with self.database.reading() as session:
            return {(alarm.kind, alarm.subject) for alarm in open_alarms(session)}

    def messages(self) -> list[Message]:
        """Return the citizens' messages with their sounds."""
        with self.database.reading() as session:
            spoken = (
                sa.select(Message).where(Message.direction == Direction.IN).options(sa.orm.joinedload(Message.sound))
            )
            return list(session.scalars(spoken.order_by(Message.id)))

    async def until_playing(self, broadcast_id: int, speakers: int = len(NAMES)) -> None:
        """Wait until so many loudspeakers play a broadcast."""

        def playing() -> int:
            return sum(state == "playing" for state, _, _ in self.deliveries(broadcast_id).values())

        await until(lambda: playing() == speakers, f"{speakers} are playing", 40)

    def stop(self, broadcast_id: int) -> None:
        """Stop a broadcast as a user of any panel does."""
        with self.database.session() as session:
            calling_off.stop(session, broadcast_id, "account:test@example", now())

    def broadcast(self, broadcast_id: int) -> Broadcast:
        """Return the row of a broadcast."""
        with self.database.reading() as session:
            return session.get_one(Broadcast, broadcast_id)

    async def until_state(self, broadcast_id: int, *states: str, seconds: float = 60) -> Broadcast:
        """Wait until a broadcast has one of these states."""
        await until(lambda: self.broadcast(broadcast_id).state in states, f"broadcast {broadcast_id} {states}", seconds)
        return self.broadcast(broadcast_id)

    def deliveries(self, broadcast_id: int) -> dict[str, tuple[str, str, str | None]]:
        """Return state, node and reason of each delivery of a broadcast, by loudspeaker."""
        with self.database.reading() as session:
            rows = session.execute(
                sa.select(Speaker.code, Delivery.state, Delivery.node, Delivery.reason)
                .join(Delivery.speaker)
                .where(Delivery.broadcast_id == broadcast_id)
            )
            return {code: (state, node, reason) for code, state, node, reason in rows}

    def heard(self, code: str, speech: Path) -> Match:
        """Return how much of a speech a loudspeaker has recorded since it was switched on."""
        return match(read_wav(speech), read_wav(self.recordings[code]))

    def heard_at(self, code: str, speech: Path) -> float:
        """Return when a speech began at a loudspeaker that has heard nothing before its broadcast (epoch seconds)."""
        (first,) = [float(event["at"]) for event in self.speakers[code].events if event["event"] == "sound"]
        frames = active_frames(read_wav(self.recordings[code]))
        return first - float(frames.argmax()) / 50 + self.heard(code, speech).delay_seconds


def joined(folder: Path, parts: Sequence[Path], name: str) -> Path:
    """Write several pieces of speech one after the other into one file."""
    import numpy as np

    sounds = [read_wav(part) for part in parts]
    made = folder / f"{name}.wav"
    write_wav(made, Sound(np.concatenate([one.samples for one in sounds]), sounds[0].rate))
    return made


@asynccontextmanager
async def province(folder: Path) -> AsyncIterator[Province]:
    """Run PostgreSQL and three nodes, each with a loudspeaker."""
    district = folder / "district.toml"
    district.write_text(DISTRICT + "".join(SPEAKER.format(code=code) for code in CODES.values()) + OF_ALL + CALLERS)
    quick = {"check_direct_calls": False, "transcriber": "none", "qualify_seconds": 2, "min_free_megabytes": 1}
    with private_cluster(max_connections="200") as postgres:
        postgres.make_template()
        line = DatabaseLine(postgres.folder, folder)
        with postgres.database() as url, line.working():
            async with AsyncExitStack() as stack:
                over_line: dict[str, dict[str, str | int | float]] = {
                    NAMES[-1]: {"database_url": url.replace(str(postgres.folder), str(folder))}
                }
                nodes = await stack.enter_async_context(trial_nodes(district, url, NAMES, over_line, **quick))
                made = Province(nodes, folder, stack, postgres, line)
                for name, code in CODES.items():
                    await made.speaker(code, name)
                yield made
