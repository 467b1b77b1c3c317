"""What the tests do and look at: speakers, phones, calls that go live, and who heard what."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa

from broadcast_bridge.models import Broadcast, Speaker
from broadcast_bridge.studio.levels import Levels
from dialplans.configuration import ari_password
from haichieu.audio.sound import Sound, read_wav
from haichieu.demo.audio_matching import FOUND, Match, match
from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import TrialStation, until
from haichieu.processes.sounds import open_prompts
from tests.every_table import load_every_table
from tests.station import district

load_every_table()
SAME = FOUND
"""Most seconds of it are there: other speech stays below 0.4. A second in which the machine was too busy for a packet
or two correlates less, though every word in it is understood; the demo, which has the machine to itself, shows 0.99."""
OTHER = 0.5
NO_METER = -999.0
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


@dataclass
class Scene:
    """A running station with its speakers and phones."""

    station: TrialStation
    folder: Path
    stack: AsyncExitStack
    speeches: dict[str, Path]
    carrier_port: int
    speakers: dict[str, SoftSpeaker] = field(default_factory=dict)
    _phones: int = 0
    _begins: dict[str, int] = field(default_factory=dict)

    async def speaker(self, code: str) -> SoftSpeaker:
        """Switch a speaker on and wait until the station can reach it."""
        speaker = SoftSpeaker(
            server=self.station.server, id=code, password=district.password(code), record=self.heard_file(code),
            bind="127.0.0.1",
        )  # fmt: skip
        self.speakers[code] = await self.stack.enter_async_context(speaker)
        await until(lambda: code in self.reachable(), f"{code} reachable")
        return self.speakers[code]

    async def phone(self, name: str) -> SoftPhone:
        """A phone of the station, registered."""
        self._phones += 1
        phone = SoftPhone(
            server=self.station.server, id=name, password=district.password(name), record=self.phone_file()
        )
        await self.stack.enter_async_context(phone)
        await phone.registered()
        return phone

    async def outside(self, caller_number: str) -> SoftPhone:
        """The far side of the carrier's trunk: calls as anybody, takes what the station calls there."""
        self._phones += 1
        phone = SoftPhone(
            server=self.station.server, caller_number=caller_number, port=self.carrier_port, record=self.phone_file()
        )
        await self.stack.enter_async_context(phone)
        await phone.ready()
        return phone

    def phone_file(self) -> Path:
        """What the newest phone hears."""
        return self.folder / f"phone-{self._phones}.wav"

    def heard_file(self, code: str) -> Path:
        """What a speaker records."""
        return self.folder / f"{code}.wav"

    def heard(self, code: str, speech: str) -> Match:
        """How much of a speech is in what the speaker recorded since the last `forget`."""
        sound = read_wav(self.heard_file(code))
        since = Sound(sound.samples[self._begins.get(code, 0) :], sound.rate)
        return match(read_wav(self.speeches[speech]), since)

    def forget(self) -> None:
        """What the speakers recorded so far is not looked at any more."""
        for code in self.speakers:
            self._begins[code] = len(read_wav(self.heard_file(code)).samples)

    def reachable(self) -> set[str]:
        """The speakers that the station can reach."""
        with self.station.database.session() as session:
            return set(session.scalars(sa.select(Speaker.code).where(Speaker.reachable)))

    def broadcasts(self) -> int:
        """How many broadcasts there have been."""
        with self.station.database.session() as session:
            return session.scalars(sa.select(sa.func.count()).select_from(Broadcast)).one()

    def newest(self) -> Aired:
        """The newest broadcast."""
        with self.station.database.session() as session:
            newest = session.scalars(sa.select(sa.func.max(Broadcast.id))).one()
        return self.broadcast(newest)

    def level(self) -> float:
        """What the page shows of the newest broadcast's level (dBFS); `NO_METER` when nobody measures it."""
        level = Levels(self.station.settings.home).of(self.newest().id)
        return NO_METER if level is None else level

    def broadcast(self, broadcast_id: int) -> Aired:
        """One broadcast as the log has it now."""
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

    async def go_live(self, phone: SoftPhone, *keys: str, number: str = "1900") -> None:
        """Call, key in, and wait until the voice is on the speakers."""
        before = self.broadcasts()
        await phone.call(number)
        for part in keys:
            await phone.digits(part)
        await until(lambda: self.broadcasts() > before and self.newest().live, "live", 20)

    async def ended(self) -> Aired:
        """Wait until the newest broadcast is over and return it."""
        await until(lambda: self.newest().state not in ("planned", "calling", "on_air"), "the end of the broadcast", 20)
        return self.newest()

    async def hears(self, file: Path, prompt: str, **values: Any) -> None:
        """Wait until a phone has heard a prompt to its end."""
        await self.hears_one(file, [prompt], **values)

    async def hears_one(self, file: Path, prompts: Sequence[str], **values: Any) -> None:
        """Wait until a phone has heard one of several prompts to its end."""

        def sounds() -> list[Sound]:
            store = open_prompts(self.station.settings.home, self.station.database)
            return [read_wav(Path(f"{store.sound(prompt, 'vi', values)}.wav")) for prompt in prompts]

        await until_heard(file, *await asyncio.to_thread(sounds))

    async def asterisk(self, what: str) -> list[dict[str, Any]]:
        """What Asterisk itself has: channels or bridges."""
        settings = self.station.settings
        headers = {"Authorization": aiohttp.encode_basic_auth("haichieu", ari_password(settings))}
        url = f"http://127.0.0.1:{settings.ari_port}/ari/{what}"
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
            found: list[dict[str, Any]] = await answer.json()
            return found

    async def quiet(self) -> None:
        """Wait until no channel and no bridge is left and every broadcast is closed."""
        for what in ("channels", "bridges"):
            deadline = asyncio.get_running_loop().time() + 15
            while left := await self.asterisk(what):
                assert asyncio.get_running_loop().time() < deadline, left


async def until_heard(file: Path, *said: Sound, like: float = SAME, seconds: float = 45) -> None:
    """Wait until a growing recording holds one of several sounds."""

    def holds() -> bool:
        heard = read_wav(file)
        return any(match(one, end_of(heard, one.seconds + LISTEN_BACK)).correlation > like for one in said)

    await until(holds, f"{file.name} holds what is said", seconds, LISTEN_AGAIN)


def end_of(heard: Sound, seconds: float) -> Sound:
    """The last seconds of a recording."""
    return Sound(heard.samples[-int(seconds * heard.rate) :], heard.rate)
