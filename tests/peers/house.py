"""An Asterisk with the part of the switchboard that cares for devices, without the rest of a station."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Delivery, Speaker
from broadcast_bridge.speakers.account_sync import AccountSync
from broadcast_bridge.speakers.monitoring import SpeakerSupervisor
from broadcast_bridge.studio.speaker_leg import Figures, LegTarget, Place, SpeakerLeg
from broadcast_bridge.studio.speaker_target import MulticastRoute, Shown, leg_target
from dialplans.account_file import AccountFile
from dialplans.configuration import ari_password
from haichieu.ari.call import Call
from haichieu.ari.client import ENDPOINT_EVENTS, AriClient
from haichieu.ari.events import Event
from haichieu.ari.in_call import rtp_statistics
from haichieu.background import in_background
from haichieu.database import Database
from haichieu.demo.trial_station import until
from haichieu.people import Level, Unit
from haichieu.sip.models import Phone
from haichieu.vault import open_vault
from tests.lone_asterisk import LoneAsterisk, lone_asterisk
from tests.peers.scripted_device import Device, new_device

SECRET = "a-secret-nobody-guesses"
QUALIFY_SECONDS = 5


@dataclass
class House:
    """Speakers by code, and what the studio has heard of them."""

    asterisk: LoneAsterisk
    client: AriClient
    database: Database
    folder: Path
    returned: list[tuple[str, bool]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    legs: dict[str, SpeakerLeg] = field(default_factory=dict)
    """Speakers in a broadcast, which receive what the studio would send them."""

    def device(self, code: str, **keys: str | int) -> Device:
        """A device with the account of a speaker or phone, which is not registered yet."""
        return new_device(self.asterisk.server, code, SECRET, self.folder, **keys)

    @asynccontextmanager
    async def registered(self, code: str, scenario: str = "speaker", **keys: str | int) -> AsyncIterator[Device]:
        """A device that is registered and answers with a scenario for the length of the block."""
        device = self.device(code, **keys)
        await device.register()
        async with device.serving(scenario):
            yield device
        await device.register(0)
        await until(lambda: not self.speaker(code).reachable, f"{code} is off")

    @asynccontextmanager
    async def leg(self, code: str, answer_seconds: float = 5.0) -> AsyncIterator[SpeakerLeg]:
        """A speaker in a broadcast."""
        delivery = Delivery(id=1, speaker=self.speaker(code))
        target = leg_target(delivery, Priority.NORMAL, MulticastRoute("127.0.0.1"), Shown("1900", "Đài Cô Ba"))
        leg = SpeakerLeg(
            self.client, target, unheard(self.client), asyncio.Semaphore(1), answer_seconds, QUALIFY_SECONDS
        )
        self.legs[code] = leg
        async with in_background(leg.run()):
            yield leg
        del self.legs[code]

    @asynccontextmanager
    async def call(self, code: str) -> AsyncIterator[Call]:
        """A call that the device has answered."""
        async with Call(self.client, f"speaker-{code}-{uuid.uuid4().hex}", None, code) as call:
            await call.place(f"PJSIP/{code}", role="speaker", timeout=5)
            async with asyncio.timeout(5):
                await call.answered()
            yield call

    def speaker_returned(self, code: str, *, moved: bool) -> None:
        """Take the news of a device that can be reached again."""
        self.returned.append((code, moved))
        if code in self.legs:
            self.legs[code].returned(moved=moved)

    def speaker_lost(self, code: str) -> None:
        """Take the news of a device that can no longer be reached."""
        self.lost.append(code)
        if code in self.legs:
            self.legs[code].lost()

    def speaker(self, code: str) -> Speaker:
        """The row of a speaker as it is now."""
        with self.database.session() as session:
            return session.scalars(sa.select(Speaker).where(Speaker.code == code)).one()

    def phone(self, code: str) -> Phone:
        """The row of a phone as it is now."""
        with self.database.session() as session:
            return session.scalars(sa.select(Phone).where(Phone.code == code)).one()


@asynccontextmanager
async def house_of(home: Path, template: Path, speakers: dict[str, list[str]]) -> AsyncIterator[House]:
    """Run the house; `speakers` are their codecs by code. There is one phone, `phone`."""
    vault, database = open_vault(home), Database(f"sqlite:///{shutil.copy(template, home)}")
    locked = vault.lock(SECRET)
    with database.session() as session:
        unit = Unit(code="CB", name="Cô Ba", level=Level.COMMUNE)
        session.add(unit)
        session.flush()
        for code, codecs in speakers.items():
            session.add(Speaker(code=code, name=code, unit_id=unit.id, password_locked=locked, codecs=codecs))
        session.add(Phone(code="phone", name="phone", password_locked=locked, caller_number="101"))
    async with AsyncExitStack() as stack:
        stack.callback(database.close)
        asterisk = await stack.enter_async_context(lone_asterisk(home))

        def hear(event: Event) -> None:
            if event.type in ENDPOINT_EVENTS:
                supervisor.hear(event)

        client = AriClient("127.0.0.1", asterisk.settings.ari_port, ari_password(asterisk.settings), hear)
        house = House(asterisk, client, database, home)
        accounts = AccountSync(client, database, vault, AccountFile(home), QUALIFY_SECONDS)
        supervisor = SpeakerSupervisor(
            client,
            database,
            "main",
            house.speaker_returned,
            house.speaker_lost,
            accounts.push_changes,
            check_direct_calls=False,
            qualify_seconds=QUALIFY_SECONDS,
        )
        await stack.enter_async_context(client)
        await stack.enter_async_context(in_background(client.run(_nothing, _nothing)))
        await asyncio.wait_for(client.connected.wait(), 10)
        await accounts.push_all()
        await stack.enter_async_context(in_background(supervisor.run()))
        yield house


async def _nothing(*_: object) -> None:
    return None


def unheard(client: AriClient) -> Place:
    """Return a place where a speaker gets no sound: its call is all that a test looks at."""

    @asynccontextmanager
    async def place(_: LegTarget, call: Call) -> AsyncIterator[Figures]:
        yield partial(rtp_statistics, client, call.id)

    return place
