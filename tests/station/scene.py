"""A running station with its speakers and phones, and what a test can do and see there."""

import asyncio
import contextlib
import itertools
import urllib.error
import zoneinfo
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from broadcast_bridge.broadcasts import calling_off
from broadcast_bridge.models import Broadcast, Speaker
from broadcast_bridge.studio.levels import Levels
from haichieu.audio.sound import Sound, read_wav
from haichieu.database import Base, now
from haichieu.demo.audio_matching import FOUND, Match, match
from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import TrialStation, until
from haichieu.processes.sounds import open_prompts
from haichieu.station import the_station
from ivr.prompts.custom import CustomPrompt
from ivr.prompts.spoken_time import spoken_moment
from tests import asterisk_rest
from tests.every_table import load_every_table
from tests.station import district
from tests.station.playbacks import Playbacks
from tests.station.quick_voice import speaking_quickly

load_every_table()
OUR_OWN = "test"
"""Who changed the prompts of the station that all tests share."""

SAME = FOUND
"""Most seconds of it are there: other speech stays below 0.4. A second in which the machine was too busy for a packet
or two correlates less, though every word in it is understood; the demo, which has the machine to itself, shows 0.99."""
OTHER = 0.5
NO_METER = -999.0
ON_THE_WAY = ("planned", "calling", "on_air")
"""States of a broadcast that is not over."""
_NUMBERS = itertools.count(1)
LISTEN_AGAIN, LISTEN_BACK = 0.3, 20.0
"""Seconds: the least pause until a growing recording is listened to again, which on a busy machine is far longer; and
how far back beyond the length of what is said."""


@dataclass(frozen=True)
class Delivered:
    """One delivery as the log has it."""

    state: str
    reason: str | None
    seconds: float
    packets: int
    loss: float
    first_audio: bool


@dataclass(frozen=True)
class Aired:
    """One broadcast as the log has it."""

    id: int
    state: str
    reason: str | None
    live: bool
    recorded: bool
    deliveries: dict[str, Delivered]


def _is_registered(phone: SoftPhone) -> bool:
    news = [event["event"] for event in phone.events if event["event"] in ("registered", "registration_failed")]
    return news[-1:] == ["registered"]


@dataclass
class Scene:
    """A running station with its speakers and phones.

    Phones stay registered from one test to the next: a new process each time would take a second of computing.
    """

    station: TrialStation
    folder: Path
    stack: AsyncExitStack
    speeches: dict[str, Path]
    carrier_port: int
    playbacks: Playbacks
    speakers: dict[str, SoftSpeaker] = field(default_factory=dict)
    _phones: dict[str, SoftPhone] = field(default_factory=dict)
    _outside: tuple[str, SoftPhone] | None = None
    _recordings: dict[SoftPhone, Path] = field(default_factory=dict)
    _heard: dict[SoftPhone, int] = field(default_factory=dict)
    _endpoints: dict[SoftPhone, str] = field(default_factory=dict)
    _begins: dict[str, int] = field(default_factory=dict)
    _configuration: frozenset[str] = frozenset()

    async def speaker(self, code: str) -> SoftSpeaker:
        """Switch a speaker on and wait until the station can reach it."""
        speaker = SoftSpeaker(
            id=code, password=district.password(code), record=self.heard_file(code), bind="127.0.0.1",
            **self._server_of(code),
        )  # fmt: skip
        self.speakers[code] = await self.stack.enter_async_context(speaker)
        self._begins.pop(code, None)
        await speaker.registered(40)  # the device before it may still count as reachable
        await until(lambda: code in self.reachable() and self.heard_file(code).exists(), f"{code} reachable")
        return self.speakers[code]

    async def speaker_off(self, code: str) -> None:
        """Switch a speaker off and wait until the station knows."""
        await self.speakers.pop(code).stop()
        await until(lambda: code not in self.reachable(), f"{code} is off")
        self.heard_file(code).unlink(missing_ok=True)

    async def phone(self, name: str) -> SoftPhone:
        """Return a registered phone of the station, recording into a fresh file."""
        phone = self._phones.get(name)
        if phone is None or phone.returncode is not None:
            phone = SoftPhone(id=name, password=district.password(name), **self._server_of(name))
            self._phones[name] = await self.stack.enter_async_context(phone)
            await phone.registered()
        # Its registration may have failed while Asterisk was killed or paused; it tries again by its own clock.
        await until(lambda: _is_registered(phone), f"{name} is registered", 60)
        return await self._ready(phone, name)

    async def unplug(self, name: str) -> None:
        """Switch a phone of the station off: calls to it fail at once instead of ringing."""
        phone = self._phones.get(name)
        if phone is not None and phone.returncode is None:
            await phone.stop()

    async def outside(self, caller_number: str) -> SoftPhone:
        """Return the far side of the carrier's trunk: calls as anybody, takes what the station calls there."""
        if self._outside is not None and (self._outside[0] != caller_number or self._outside[1].returncode is not None):
            await self._outside[1].stop()
            self._outside = None
        if self._outside is None:
            phone = SoftPhone(server=self.station.server, caller_number=caller_number, port=self.carrier_port)
            self._outside = caller_number, await self.stack.enter_async_context(phone)
            await phone.ready()
        return await self._ready(self._outside[1], "carrier")

    def recording(self, phone: SoftPhone) -> Path:
        """Return the file of what a phone has heard since the test asked for it."""
        return self._recordings[phone]

    def heard_file(self, code: str) -> Path:
        """Return the file that a speaker records into."""
        return self.folder / f"{code}.wav"

    def heard(self, code: str, speech: str) -> Match:
        """Return how much of a speech is in what the speaker recorded since the last `forget`."""
        return match(read_wav(self.speeches[speech]), self.sound_of(code))

    def sound_of(self, code: str) -> Sound:
        """Return what a speaker recorded since the last `forget`."""
        sound = read_wav(self.heard_file(code))
        return Sound(sound.samples[self._begins.get(code, 0) :], sound.rate)

    def forget(self) -> None:
        """Ignore what the speakers recorded so far."""
        for code in self.speakers:
            self._begins[code] = len(read_wav(self.heard_file(code)).samples)

    def reachable(self) -> set[str]:
        """Return the speakers that the station can reach."""
        with self.station.database.session() as session:
            return set(session.scalars(sa.select(Speaker.code).where(Speaker.reachable)))

    def broadcasts(self) -> int:
        """Return the id of the newest broadcast, 0 while there is none."""
        with self.station.database.session() as session:
            return session.scalars(sa.select(sa.func.coalesce(sa.func.max(Broadcast.id), 0))).one()

    def broadcast_ids(self) -> list[int]:
        """Return the id of every broadcast."""
        with self.station.database.session() as session:
            return list(session.scalars(sa.select(Broadcast.id)))

    def newest(self) -> Aired:
        """Return the newest broadcast."""
        return self.broadcast(self.broadcasts())

    def level(self) -> float:
        """Return the newest broadcast's level as the panel shows it (dBFS); `NO_METER` when nobody measures it."""
        level = Levels(self.station.settings.home).of(self.newest().id)
        return NO_METER if level is None else level

    def broadcast(self, broadcast_id: int) -> Aired:
        """Return one broadcast as the log has it now."""
        with self.station.database.session() as session:
            broadcast = session.get_one(Broadcast, broadcast_id)
            return Aired(
                broadcast.id, broadcast.state, broadcast.reason, broadcast.live_at is not None,
                broadcast.recording_id is not None,
                {
                    one.speaker.code: Delivered(
                        one.state, one.reason, one.seconds, one.packets_sent, one.loss, one.first_audio_at is not None
                    )
                    for one in broadcast.deliveries
                },
            )  # fmt: skip

    def spool(self, kind: str = "") -> list[Path]:
        """Return the recordings that Asterisk has made of `message`s, `programme`s or `prompt`s and nobody took in."""
        return list((self.station.settings.home / "spool").rglob(f"{kind}*.wav"))

    def spoken_start(self) -> str:
        """Return when the newest broadcast went on air, as the report says it."""
        with self.station.database.session() as session:
            broadcast = session.get_one(Broadcast, self.broadcasts())
            assert broadcast.on_air_at is not None
            zone = zoneinfo.ZoneInfo(the_station(session).timezone)
            return spoken_moment(broadcast.on_air_at.astimezone(zone), "vi")

    async def go_live(self, phone: SoftPhone, *keys: str, number: str = "1900") -> None:
        """Call, key in, and wait until the voice is on the speakers."""
        before = self.broadcasts()
        await self.call(phone, number, *keys)
        await until(lambda: self.broadcasts() > before and self.newest().live, "live", 20)

    async def call(self, phone: SoftPhone, number: str, *keys: str) -> None:
        """Call a number, and press keys ahead of the prompts."""
        await phone.call(number)
        for part in keys:
            await phone.digits(part)

    async def ended(self) -> Aired:
        """Wait until the newest broadcast is over and return it."""
        await until(lambda: self.newest().state not in ON_THE_WAY, "the end of the broadcast", 20)
        return self.newest()

    def prompt(self, key: str, **values: Any) -> str:
        """Return the path, without extension, of a prompt as the station speaks it."""
        with speaking_quickly(self.folder):
            return open_prompts(self.station.opened).sound(key, "vi", values)

    async def hears(self, phone: SoftPhone, *prompts: str, **values: Any) -> str:
        """Wait until Asterisk plays one of several prompts to a phone, after the last one waited for; return it."""

        def sounds() -> dict[str, str]:
            return {self.prompt(prompt, **values): prompt for prompt in prompts}

        wanted, name = await asyncio.to_thread(sounds), f"PJSIP/{self._endpoints[phone]}-"

        def found() -> int | None:
            for index in range(self._heard[phone], len(self.playbacks.begun)):
                one = self.playbacks.begun[index]
                if one.channel.startswith(name) and one.sound in wanted:
                    return index
            return None

        await until(lambda: found() is not None, f"{' or '.join(prompts)} is played to {name[:-1]}", 20)
        index = found() or 0
        self._heard[phone] = index + 1
        return wanted[self.playbacks.begun[index].sound]

    async def hang_up(self, *phones: SoftPhone) -> None:
        """End the call of each phone."""
        for phone in phones:
            await phone.hang_up()
            await phone.ended()

    def asterisk(self, what: str) -> list[dict[str, Any]]:
        """Return what Asterisk itself has: channels or bridges."""
        found: list[dict[str, Any]] = asterisk_rest.request(self.station.settings, "GET", f"/{what}")
        return found

    async def quiet(self) -> None:
        """Wait until no channel and no bridge is left."""
        for what in ("channels", "bridges"):
            await until(lambda what=what: self.asterisk(what) == [], f"no {what} are left")

    async def end_calls(self) -> None:
        """End what a test left behind: its broadcasts and its calls. A failed test may have left Asterisk killed."""
        await until(self._asterisk_answers, "Asterisk answers", 30)
        with self.station.database.session() as session:
            for number in session.scalars(sa.select(Broadcast.id).where(Broadcast.state.in_(ON_THE_WAY))):
                calling_off.stop(session, number, "account:test@example", now())
        for channel in await asyncio.to_thread(self.asterisk, "channels"):
            with contextlib.suppress(urllib.error.HTTPError):  # it has ended by itself
                asterisk_rest.request(self.station.settings, "DELETE", f"/channels/{channel['id']}")
        await self.quiet()

    def _asterisk_answers(self) -> bool:
        with contextlib.suppress(OSError):
            self.asterisk("channels")
            return True
        return False

    async def reset(self, *speakers: str) -> None:
        """Make the station as it was at the start, with these speakers on."""
        if self.station.process is None:
            await self.station.start()
        await self.end_calls()
        with self.station.database.session() as session:
            session.execute(sa.delete(CustomPrompt).where(CustomPrompt.changed_by != OUR_OWN))
            for table in reversed(Base.metadata.sorted_tables):
                if table.name not in self._configuration:
                    session.execute(table.delete())
        for code in set(self.speakers) - set(speakers):
            await self.speaker_off(code)
        for code in speakers:
            if code not in self.speakers or self.speakers[code].returncode is not None:
                await self.speaker(code)
        await until(lambda: set(speakers) <= self.reachable(), "the speakers are reachable", 40)
        self.forget()

    def kill(self) -> None:
        """Kill every process at once: an orderly end takes seconds, and nothing of it is looked at again."""
        outside = [self._outside[1]] if self._outside is not None else []
        for device in (*self.speakers.values(), *self._phones.values(), *outside):
            if device.returncode is None:
                device.kill()
        if self.station.process is not None:
            self.station.process.kill()

    def remember_configuration(self) -> None:
        """Note which tables hold the district; `reset` empties the others."""
        with self.station.database.session() as session:
            self._configuration = frozenset(
                table.name for table in Base.metadata.sorted_tables
                if session.scalar(sa.select(sa.func.count()).select_from(table))
            )  # fmt: skip

    def _server_of(self, code: str) -> dict[str, str]:
        """Return where an account registers, and the fingerprint of the server when it demands encryption."""
        if code in district.ENCRYPTED:
            return {"server": self.station.tls_server, "fingerprint": self.station.fingerprint}
        return {"server": self.station.server}

    async def _ready(self, phone: SoftPhone, endpoint: str) -> SoftPhone:
        phone.forget("incoming", "answered", "ended", "ringing", "refused", "text_received")
        self._endpoints[phone] = endpoint
        self._recordings[phone] = self.folder / f"heard-{next(_NUMBERS)}.wav"
        await phone.record(self._recordings[phone])
        self._heard[phone] = len(self.playbacks.begun)
        return phone


async def until_heard(file: Path, *said: Sound, like: float = SAME, seconds: float = 45) -> None:
    """Wait until a growing recording holds one of several sounds."""

    def holds() -> bool:
        if not file.exists():
            return False
        heard = read_wav(file)
        return any(match(one, end_of(heard, one.seconds + LISTEN_BACK)).correlation > like for one in said)

    await until(holds, f"{file.name} holds what is said", seconds, LISTEN_AGAIN)


def end_of(heard: Sound, seconds: float) -> Sound:
    """Return the last seconds of a recording."""
    return Sound(heard.samples[-int(seconds * heard.rate) :], heard.rate)
