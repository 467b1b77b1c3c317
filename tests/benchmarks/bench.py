"""The bench: one station, three hundred speakers, and the same things done by us and by Asterisk's own applications."""

import asyncio
import datetime
import shutil
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import calling_off, starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast, Speaker, Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.models import Schedule
from dialplans.accounts import ha1, phone_account
from dialplans.configuration import ari_password
from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.audio.sound import Sound, write_wav
from haichieu.database import now
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import TrialStation, trial_station, until
from haichieu.media import MediaStore
from haichieu.people import Unit
from tests.benchmarks.processes import processes_of
from tests.benchmarks.schedules import fill
from tests.benchmarks.sink import RtpSink, share_lost
from tests.benchmarks.speakers import answering, cpu_seconds, register_all
from tests.builders.sounds import kept

PIN = "246810"
PASSWORD = "benchmark-secret"
LIVE_SECONDS = 4.0
SECONDS, PLACED_PER_SECOND = 8.0, 75
"""How long speakers may take to hear something, and the least of them that are served in a second after that."""
PATIENCE_SECONDS, CLOSING_SECONDS = 20.0, 120.0
"""The official presses the key after this time at the latest; a menu does not wait much longer."""
BURSTS, BURST_APART = 12, 0.5
PAGE_GROUP, MOST_PAGED = 100, 300
"""Speakers of one Page(), and the most that chained groups of it take."""
START_IN_DIALPLAN = operations.Operation(
    "POST", "/channels/{channelId}", frozenset({"endpoint", "context", "extension", "priority"}), sends_body=True
)


@dataclass(frozen=True)
class Run:
    """One broadcast: seconds from the confirming key to the last speaker's first sound; cores used while live."""

    first_sound: float
    reached: int
    asterisk_cores: float
    switchboard_cores: float
    apart: float
    """Seconds between the first and the last speaker's first sound."""
    fan_out_cores: float = 0.0
    lost: float = 0.0
    """Share of the packets that did not arrive while live."""


class Bench:
    """A running station with its speakers, and a phone each for our way and for Asterisk's."""

    def __init__(self, station: TrialStation, sink: RtpSink, ours: SoftPhone, theirs: SoftPhone, voice: Path) -> None:
        self.station, self.sink, self._ours, self._theirs, self.voice = station, sink, ours, theirs, voice
        self.processes = processes_of(station)

    async def broadcast(self, zone: int, *, ahead: bool = True) -> Run:
        """Go live in the zone of that many speakers, with our officials' line; the key comes when they are ready."""
        with self.station.database.session() as session:
            session.execute(sa.update(Speaker).values(dial_ahead=ahead))
        await self._ours.call("1900")
        self.sink.clear()
        for keys in (f"{PIN}#", "1", f"{zone}#"):
            await self._ours.digits(keys)
        if ahead:
            await _patiently(lambda: len(self.sink.streams) >= zone, min(_placed_after(zone), PATIENCE_SECONDS))
        return await self._live(self._ours, zone, self._closed)

    async def page(self, size: int) -> Run:
        """Page the same speakers with Asterisk's Page()."""
        await self._theirs.call(f"*{size}")
        return await self._live(self._theirs, size, self._nothing)

    async def programme(self, size: int) -> Run:
        """Put the recording on air in the zone of that many speakers, as the panel or a schedule does."""
        self.sink.clear()
        asked = time.time()
        broadcast = self._ask(size, self.voice)
        run = await self._measured(size, asked)
        self._stop(broadcast)
        await self._closed()
        return run

    async def page_file(self, size: int) -> Run:
        """Have Asterisk's Page() play the same file to the same speakers."""
        settings = self.station.settings
        async with AriClient("127.0.0.1", settings.ari_port, ari_password(settings), lambda _: None) as client:
            self.sink.clear()
            asked = time.time()
            await client.request(
                START_IN_DIALPLAN, channelId="reference-file", endpoint=f"Local/f{size}@reference/n", body={},
                context="reference-file", extension="play", priority=1,
            )  # fmt: skip
            run = await self._measured(size, asked)
            await client.request(operations.HANG_UP, channelId="reference-file")
        await asyncio.sleep(1.5)
        return run

    async def emergency(self, size: int) -> float:
        """Break into a programme that plays silence; seconds from the wish to the siren at the last speaker."""
        programme = self._ask(size, self.voice.with_name("silence.wav"))
        await until(self._is_live, "the programme", 20)
        await asyncio.sleep(1.0)
        self.sink.clear()
        asked = time.time()
        alarm = self._ask(size, self.voice, priority=Priority.EMERGENCY, siren=True)
        await _patiently(lambda: len(self.sink.first_sound) >= size)
        last = max(self.sink.first_sound.values(), default=float("nan"))
        for broadcast in (alarm, programme):
            self._stop(broadcast)
        await self._closed()
        return last - asked

    async def scheduled(self) -> float:
        """Plan a programme for one speaker some seconds ahead; how late its first sound was, in seconds."""
        hour = now().replace(microsecond=0) + datetime.timedelta(seconds=4)
        with self.station.database.session() as session:
            programme = session.scalar(sa.select(Programme).where(Programme.title == "bench"))
            if programme is None:
                programme = self._approved_programme(session)
            zone = session.scalars(sa.select(Zone).where(Zone.code == "1")).one()
            session.add(
                Schedule(
                    uid=f"bench-{hour.isoformat()}", title="bench", unit_id=programme.unit_id, what="programme",
                    programme=programme, starts=hour.replace(tzinfo=None), timezone="UTC", author="bench",
                    created_at=now(), updated_at=now(), zones=[zone], materialised_until=now(),
                )
            )  # fmt: skip
        self.sink.clear()
        await _patiently(lambda: len(self.sink.first_sound) >= 1, 12.0)
        heard = min(self.sink.first_sound.values(), default=float("nan"))
        await self._begun_and_closed()
        return heard - hour.timestamp()

    def fill_schedule(self, schedules: int) -> None:
        """Add that many schedules of others, in zones of their own."""
        with self.station.database.session() as session:
            fill(session, schedules)

    def _ask(self, size: int, sound: Path, **more: Any) -> int:
        with self.station.database.session() as session:
            copy = Path(shutil.copy(sound, sound.with_suffix(".upload")))
            media = kept(session, MediaStore(self.station.settings.home / "media", 1), copy)
            request = Request("bench", "bench", [media.id], [str(size)], **more)
            return starting.ask(session, request, now()).id

    def _approved_programme(self, session: Session) -> Programme:
        copy = Path(shutil.copy(self.voice.with_name("words.wav"), self.voice.with_suffix(".upload")))
        sound = kept(session, MediaStore(self.station.settings.home / "media", 1), copy)
        programme = Programme(
            title="bench", origin="upload", unit_id=session.scalars(sa.select(Unit.id).limit(1)).one(),
            author="account:a@b", author_name="A", state="approved", sound=sound, seconds=sound.seconds,
            created_at=now(), updated_at=now(),
        )  # fmt: skip
        session.add(programme)
        return programme

    def _stop(self, broadcast: int) -> None:
        with self.station.database.session() as session:
            calling_off.stop(session, broadcast, "account:bench@example", now())

    async def _begun_and_closed(self) -> None:
        await until(self._is_live, "the programme", 20)
        await self._closed()

    async def latency(self, *, dial: bool) -> list[float]:
        """Seconds from the phone's mouth to the speaker's ear, a figure a burst; by Dial() or by our broadcast."""
        phone = self._theirs if dial else self._ours
        await phone.call("*1" if dial else "1900")
        if not dial:
            for keys in (f"{PIN}#", "1", "1#", "1"):
                await phone.digits(keys)
            await until(self._is_live, "live", 20)
        bursts = self.voice.with_name("bursts.wav")
        await asyncio.sleep(0.5)  # the tone that says "speak" must have died away
        self.sink.clear()
        started = await phone.begin_playing(bursts)
        await asyncio.sleep(BURSTS * BURST_APART + 1.0)
        onsets = list(self.sink.onsets)
        await phone.hang_up()
        await phone.ended()
        await self._closed()
        sent = [started + (index + 1) * BURST_APART for index in range(BURSTS)]
        return [min(late) for at in sent if (late := [onset - at for onset in onsets if -0.05 < onset - at < 0.4])]

    async def _live(self, phone: SoftPhone, size: int, closed: Callable[[], Awaitable[None]]) -> Run:
        await phone.begin_playing(self.voice)
        self.sink.clear()
        pressed = float((await phone.digits("1", gap=0.0))["at"])
        run = await self._measured(size, pressed)
        await phone.hang_up()
        await phone.ended()
        await closed()
        return run

    async def _measured(self, size: int, begun: float) -> Run:
        await _patiently(lambda: len(self.sink.first_sound) >= size, _placed_after(size))
        last = max(self.sink.first_sound.values(), default=float("nan"))
        first = min(self.sink.first_sound.values(), default=float("nan"))
        reached = len(self.sink.first_sound)
        await asyncio.sleep(2.5)  # chime, tone and the first words are over: from here on it is a voice alone
        measured = [self.processes.asterisk, self.processes.switchboard]
        measured += [self.processes.fan_out] if self.processes.fan_out else []
        begin, heard, from_time = [cpu_seconds(pid) for pid in measured], dict(self.sink.counts), time.monotonic()
        await asyncio.sleep(LIVE_SECONDS)
        end, seconds = [cpu_seconds(pid) for pid in measured], time.monotonic() - from_time
        lost = share_lost(heard, dict(self.sink.counts), size)
        asterisk, switchboard, *fan_out = [(after - before) / seconds for before, after in zip(begin, end, strict=True)]
        return Run(last - begun, reached, asterisk, switchboard, last - first, sum(fan_out), lost)

    async def _closed(self) -> None:
        await until(lambda: self._open_broadcasts() == 0, "the end of the broadcast", CLOSING_SECONDS)

    async def _nothing(self) -> None:
        await asyncio.sleep(1.0)

    def _open_broadcasts(self) -> int:
        with self.station.database.session() as session:
            query = sa.select(sa.func.count()).select_from(Broadcast).where(Broadcast.ended_at.is_(None))
            return session.scalars(query).one()

    def _is_live(self) -> bool:
        with self.station.database.session() as session:
            newest = session.scalars(sa.select(Broadcast).order_by(Broadcast.id.desc()).limit(1)).one_or_none()
            return newest is not None and newest.live_at is not None and newest.ended_at is None


async def with_bench(
    folder: Path,
    sizes: list[int],
    work: Callable[[Bench], Awaitable[None]],
    *,
    fan_out: bool = False,
    **settings: str,
) -> None:
    """Build the bench, with the fan-out or without, do the work, take everything down."""
    district = folder / "district.toml"
    district.write_text(_district(sizes))
    _write_sounds(folder)
    async with AsyncExitStack() as stack:
        sink = stack.enter_context(RtpSink())
        station = await stack.enter_async_context(
            trial_station(district, qualify_seconds=0, rtp_ports="20000-39999", fan_out=fan_out, **settings)
        )
        server = (station.settings.bind, station.settings.sip_port)
        names = [f"s{index:03}" for index in range(max(sizes))]
        sip_port = await asyncio.to_thread(register_all, server, names, PASSWORD)
        stack.enter_context(answering(folder, sip_port, sink.port))
        patience = 30 + max(sizes) / PLACED_PER_SECOND
        await until(lambda: _reachable(station) == max(sizes), "every speaker reachable", patience)
        await _add_reference(station, sizes, folder / "voice.wav")
        phones = []
        for name in ("phone", "reference"):
            phone = SoftPhone(server=station.server, id=name, password=PASSWORD)
            phones.append(await stack.enter_async_context(phone))
            await phone.registered()
        await work(Bench(station, sink, phones[0], phones[1], folder / "voice.wav"))


def median(values: list[float]) -> float:
    """The median, not a number for none."""
    return statistics.median(values) if values else float("nan")


async def _patiently(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 (a thread counts)
        await asyncio.sleep(0.02)


def _placed_after(speakers: int) -> float:
    """Return the seconds after which so many speakers hear something at the latest."""
    return SECONDS + speakers / PLACED_PER_SECOND


def _reachable(station: TrialStation) -> int:
    with station.database.session() as session:
        return session.scalars(sa.select(sa.func.count()).select_from(Speaker).where(Speaker.reachable)).one()


async def _add_reference(station: TrialStation, sizes: list[int], voice: Path) -> None:
    """Asterisk's own applications, in a dialplan of their own, for a phone that the switchboard knows nothing of."""
    sizes = [size for size in sizes if size <= MOST_PAGED]
    names = [f"PJSIP/s{index:03}" for index in range(max(sizes, default=0))]
    lines = ["", "[reference]", "exten => *1,1,Dial(PJSIP/s000)"]
    for size in sizes:
        groups = ["&".join(names[i : min(i + PAGE_GROUP, size)]) for i in range(0, size, PAGE_GROUP)]
        targets = groups[0]
        if len(groups) > 1:
            targets = "&".join(f"Local/{size}-{number}@reference-groups/n" for number in range(len(groups)))
        lines += [f"exten => *{size},1,Answer()", " same => n,Read(KEY,,1,,1,60)", f" same => n,Page({targets},q)"]
        lines += [f"exten => f{size},1,Answer()", f" same => n,Page({targets},q)"]
    lines += ["[reference-file]", "exten => play,1,Answer()", f" same => n,Playback({voice.with_suffix('')})"]
    lines += ["[ways]", "exten => player,1,Stasis(ways,player)", "[reference-groups]"]
    for size in sizes:
        for number, begin in enumerate(range(0, size, PAGE_GROUP)):
            group = "&".join(names[begin : min(begin + PAGE_GROUP, size)])
            lines += [f"exten => {size}-{number},1,Answer()", f" same => n,Page({group},q)"]
    extensions = station.settings.home / "etc" / "extensions.conf"
    with extensions.open("a") as file:
        file.write("\n".join(lines) + "\n")
    settings = station.settings
    async with AriClient("127.0.0.1", settings.ari_port, ari_password(settings), lambda _: None) as client:
        await client.request(operations.RELOAD_MODULE, moduleName="pbx_config.so")
        for item in phone_account("reference", ha1("reference", PASSWORD), "+84900000099"):
            values = {**item.fields, **({"context": "reference"} if item.object_type == "endpoint" else {})}
            await client.request(
                operations.PUT_OBJECT,
                body={"fields": [{"attribute": name, "value": value} for name, value in values.items()]},
                configClass="res_pjsip", objectType=item.object_type, id=item.id,
            )  # fmt: skip


def _district(sizes: list[int]) -> str:
    units = '[[units]]\ncode = "A"\nname = "A"\nlevel = "commune"\n'
    speakers = "".join(
        f'[[speakers]]\nid = "s{index:03}"\nname = "S{index}"\nunit = "A"\npassword = "{PASSWORD}"\ncodecs = ["ulaw"]\n'
        for index in range(max(sizes))
    )
    zones = "".join(
        f'[[zones]]\ncode = "{size}"\nname = "Zone {size}"\nspeakers = {_quoted(size)}\n' for size in {1, *sizes}
    )
    codes = ", ".join(f'"{size}"' for size in {1, *sizes})
    return (
        f"{units}{speakers}{zones}"
        f'[[officials]]\ncode = "1"\nname = "A"\nunit = "A"\nphones = ["+84912000001"]\npin = "{PIN}"\n'
        f'zones = [{codes}]\nmay = ["live"]\n[[numbers]]\nnumber = "1900"\nflow = "official-line"\nunit = "A"\n'
        f'[[phones]]\nid = "phone"\nname = "phone"\npassword = "{PASSWORD}"\ncaller_number = "+84912000001"\n'
    )


def _quoted(size: int) -> str:
    return "[" + ", ".join(f'"s{index:03}"' for index in range(size)) + "]"


def _write_sounds(folder: Path) -> None:
    """A minute of noise that is never silent, and bursts of tone in silence."""
    noise = np.random.default_rng(1).normal(0, 0.1, 60 * 8000).astype(np.float32)
    write_wav(folder / "voice.wav", Sound(noise, 8000))
    bursts = np.zeros(int((BURSTS + 2) * BURST_APART * 8000), np.float32)
    tone = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(800) / 8000)).astype(np.float32)
    for index in range(BURSTS):
        begin = int((index + 1) * BURST_APART * 8000)
        bursts[begin : begin + len(tone)] = tone
    write_wav(folder / "bursts.wav", Sound(bursts, 8000))
    write_wav(folder / "silence.wav", Sound(np.zeros(60 * 8000, np.float32), 8000))
    write_wav(folder / "words.wav", Sound(noise[: 2 * 8000], 8000))
