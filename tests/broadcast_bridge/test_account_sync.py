"""Accounts pushed to a real Asterisk again and again: by the same switchboard, and by one that was restarted."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from broadcast_bridge.models import Speaker
from broadcast_bridge.speakers.account_sync import AccountSync
from dialplans.account_file import AccountFile
from dialplans.configuration import ari_password
from dialplans.degraded import DegradedMode, DegradedSounds
from haichieu.ari.client import AriClient
from haichieu.database import Database
from haichieu.demo.softphone.controller import CallNotAnswered, SoftPhone
from haichieu.demo.trial_station import until
from haichieu.people import Level, Unit
from haichieu.sip.models import Phone, Trunk
from haichieu.vault import Vault, open_vault
from tests import asterisk_rest
from tests.lone_asterisk import LoneAsterisk, lone_asterisk

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.calls, pytest.mark.xdist_group("callers")]

SECRET = "a-secret-nobody-guesses"
CITIZEN, DESK = "+84912000001", "0263101"
EVERY_MINUTES = 600
"""Seconds between OPTIONS requests, so that only the first ones after a start can tell whether a speaker is there."""
ENDPOINTS = ("carrier", "registering-carrier", "phone", "speaker")


@dataclass
class House:
    """An Asterisk that answers calls by itself, and the rows of its accounts."""

    asterisk: LoneAsterisk
    database: Database
    vault: Vault

    @asynccontextmanager
    async def switchboard(self, qualify_seconds: int = 0) -> AsyncIterator[AccountSync]:
        """The part of a newly started switchboard that pushes accounts."""
        settings = self.asterisk.settings
        async with (
            AriClient("127.0.0.1", settings.ari_port, ari_password(settings), lambda _: None) as client,
            client._connect(),  # an endpoint can be watched while the application's socket is open
        ):
            yield AccountSync(client, self.database, self.vault, AccountFile(settings.home), qualify_seconds)

    async def push(self, qualify_seconds: int = 0) -> None:
        """Push every account, as a switchboard does that was started just now."""
        async with self.switchboard(qualify_seconds) as accounts:
            await accounts.push_all()
            # Asterisk refuses some updates, which would hide that they corrupt others.
            assert accounts.refused() == frozenset()

    def speaker_is_online(self) -> bool:
        """Return whether Asterisk would call the speaker."""
        endpoint = asterisk_rest.request(self.asterisk.settings, "GET", "/endpoints/PJSIP/speaker")
        return bool(endpoint["state"] == "online")

    async def endpoints(self) -> dict[str, dict[str, str]]:
        """Every field of every endpoint, as Asterisk has it."""
        found = {}
        for name in ENDPOINTS:
            fields = await self.asterisk.ari("GET", f"/asterisk/config/dynamic/res_pjsip/endpoint/{name}")
            found[name] = {field["attribute"]: field["value"] for field in fields}
        return found

    async def presented(self) -> dict[str, str]:
        """The number that Asterisk sees in a call from each account; the SIP status if it refuses the call."""
        numbers = {}
        async with SoftPhone(server=self.asterisk.server, caller_number=CITIZEN) as trunk:
            await trunk.ready()
            numbers["carrier"] = await self._presented_by(trunk)
        for name in ("phone", "speaker"):
            async with SoftPhone(server=self.asterisk.server, id=name, password=SECRET) as phone:
                await phone.registered()
                numbers[name] = await self._presented_by(phone)
        return numbers

    async def _presented_by(self, phone: SoftPhone) -> str:
        # A phone hears of the end of a call, or of its refusal, before Asterisk has done with it.
        await self.asterisk.calls_over()
        try:
            await phone.call("1900")
        except CallNotAnswered as refusal:
            return str(refusal.code)
        (channel,) = await self.asterisk.channels()
        await phone.hang_up()
        await phone.ended()
        return str(channel["caller"]["number"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """An account of each kind, of which nothing has been pushed yet."""
    home = tmp_path_factory.mktemp("accounts")
    database, vault = _rows(home, migrated_sqlite), open_vault(home)
    long = DegradedSounds(**dict.fromkeys(DegradedSounds.__annotations__, "demo-congrats"))
    async with lone_asterisk(home, degraded=DegradedMode("", "", (), long)) as asterisk:
        yield House(asterisk, database, vault)
    database.close()


def _rows(home: Path, template: Path) -> Database:
    database, locked = Database(f"sqlite:///{shutil.copy(template, home)}"), open_vault(home).lock(SECRET)
    with database.session() as session:
        unit = Unit(code="CB", name="Cô Ba", level=Level.COMMUNE)
        session.add(unit)
        session.flush()
        session.add_all(
            [
                Speaker(code="speaker", name="Loa", unit_id=unit.id, password_locked=locked),
                Phone(code="phone", name="Bàn trực", password_locked=locked, caller_number=DESK),
                Trunk(code="carrier", host="127.0.0.1", port=9),
                Trunk(
                    code="registering-carrier", host="127.0.0.2", port=9, register=True, username="us",
                    password_locked=locked,
                ),
            ]
        )  # fmt: skip
    return database


async def test_a_call_presents_the_same_number_however_often_accounts_are_pushed(house: House) -> None:
    await house.push()
    fresh, presented = await house.endpoints(), await house.presented()
    assert presented == {"carrier": CITIZEN, "phone": DESK, "speaker": "403"}

    for _ in range(2):
        await house.push()
        assert await house.endpoints() == fresh
    assert await house.presented() == presented


async def test_a_restart_of_asterisk_between_two_pushes_changes_no_number(house: House) -> None:
    await house.push()
    fresh = await house.endpoints()
    await house.asterisk.stop()
    await house.asterisk.start()
    for _ in range(2):
        await house.push()
        assert await house.endpoints() == fresh
    assert (await house.presented())["carrier"] == CITIZEN


async def test_a_changed_account_is_pushed_and_keeps_its_number(house: House) -> None:
    async with house.switchboard() as accounts:
        await accounts.push_all()
        with house.database.session() as session:
            session.scalars(sa.select(Phone)).one().caller_number = "0263102"
            session.scalars(sa.select(Speaker)).one().codecs = ["ulaw"]
            session.scalars(sa.select(Trunk).where(Trunk.register)).one().username = "new-name"
        assert await accounts.push_changes()
    changed = await house.endpoints()
    assert changed["registering-carrier"]["from_user"] == "new-name"
    assert changed["speaker"]["allow"] == "(ulaw)"
    assert changed["registering-carrier"]["callerid"] == "<unknown>"
    assert await house.presented() == {"carrier": CITIZEN, "phone": "0263102", "speaker": "403"}


async def test_a_registered_speaker_stays_reachable_while_accounts_are_pushed(house: House) -> None:
    await house.push()
    async with SoftPhone(server=house.asterisk.server, id="speaker", password=SECRET) as speaker:
        await speaker.registered()
        for codecs in (["alaw"], ["alaw", "ulaw"]):
            with house.database.session() as session:
                session.scalars(sa.select(Speaker)).one().codecs = codecs
            await house.push()
            assert house.speaker_is_online()


async def test_registered_speaker_is_asked_at_once_after_a_restart_of_asterisk(house: House) -> None:
    await house.push(EVERY_MINUTES)
    async with SoftPhone(server=house.asterisk.server, id="speaker", password=SECRET) as speaker:
        await speaker.registered()
        await until(house.speaker_is_online, "the speaker is online")
        await house.asterisk.stop()
        await house.asterisk.start()
        await house.push(EVERY_MINUTES)
        await until(house.speaker_is_online, "the speaker is online by its stored address", 10)
    await house.push()


async def test_changed_addresses_of_a_carrier_replace_the_old_ones(house: House) -> None:
    async with house.switchboard() as accounts:
        await accounts.push_all()
        with house.database.session() as session:
            trunk = session.scalars(sa.select(Trunk).where(Trunk.register)).one()
            trunk.host, trunk.port, trunk.hosts = "127.0.0.3", 9, ["127.0.0.4:5080", "127.0.9.0/24"]
        assert await accounts.push_changes()
    # ARI tells only the first of a list.
    aor, identify = [
        await house.asterisk.command(f"pjsip show {kind} registering-carrier") for kind in ("aor", "identify")
    ]
    assert set(re.findall(r"sip:[0-9.:]+", aor)) == {"sip:127.0.0.3:9", "sip:127.0.0.4:5080"}
    assert set(re.findall(r"127[0-9.]+", identify)) == {"127.0.0.3", "127.0.0.4", "127.0.9.0"}


async def test_unknown_host_of_a_carrier_stops_no_other_account(house: House) -> None:
    with house.database.session() as session:
        session.add(Trunk(code="lost-carrier", host="no-such-host.invalid"))
    async with house.switchboard() as accounts:
        await accounts.push_all()
        assert accounts.refused() == {"lost-carrier"}
        with house.database.session() as session:
            session.scalars(sa.select(Trunk).where(Trunk.code == "lost-carrier")).one().host = "127.0.0.5"
        await accounts.push_changes()
        assert accounts.refused() == frozenset()
    assert (await house.presented())["carrier"] == CITIZEN
