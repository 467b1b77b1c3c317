"""A device that answers a call with 302 (RFC 3261 §21.3.3): nothing that it names is called."""

import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from broadcast_bridge.broadcasts.states import Reason
from broadcast_bridge.studio.speaker_leg import LegTarget, SpeakerLeg
from dialplans.accounts import ha1, phone_account, speaker_account, trunk_account
from dialplans.configuration import ari_password
from dialplans.degraded import ASTERISKS_OWN, DegradedMode
from haichieu.ari.call import Call, dial
from haichieu.ari.client import APPLICATION, AriClient
from haichieu.ari.errors import AriError, NotAnswered
from haichieu.ari.events import Event
from haichieu.ari.operations import Operation
from haichieu.background import in_background
from haichieu.demo.softphone.controller import SoftPhone
from tests.lone_asterisk import LoneAsterisk, lone_asterisk
from tests.station.bare_speaker import BareSpeaker

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("breakable")]

SECRET = "a-secret-nobody-guesses"
NAMED = (
    "PJSIP%2F0900123456%40carrier",
    "Local%2Fs%40free-the-speakers",
    "Local%2Fgroup-0%40emergency-groups",
    "Local%2Fplayer%40studio",
    "Local%2F1900%40from-phone",
    "Local%2Fs%40leave-message",
    "Local%2Fs%40emergency-line",
)
ORIGINATE = Operation("POST", "/channels/{channelId}", frozenset({"endpoint", "app", "timeout"}), sends_body=True)
"""What the station never uses: it is how a Local channel comes into being that a device has named."""


@dataclass
class House:
    """An Asterisk with a speaker on air, the application, and the carrier's end of the trunk."""

    asterisk: LoneAsterisk
    client: AriClient
    on_air: SoftPhone
    carrier: socket.socket
    arrived: list[Event]

    def carrier_was_called(self) -> bool:
        """Return whether anything reached the carrier since the last time."""
        try:
            return bool(self.carrier.recv(65535))
        except BlockingIOError:
            return False

    async def assert_undisturbed(self) -> None:
        """Nobody but the speaker on air is in a call, and nothing rang or came in."""
        channels = [channel["name"] for channel in await self.asterisk.ari("GET", "/channels")]
        assert [name.rpartition("-")[0] for name in channels] == ["PJSIP/cb-2"]
        assert not [event for event in self.on_air.events if event["event"] in ("ended", "refused")]
        assert sum(event["event"] == "incoming" for event in self.on_air.events) == 1
        assert not self.carrier_was_called()
        assert not self.arrived


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The house; the speaker on air is called once."""
    carrier = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    carrier.bind(("127.0.0.1", 0))
    carrier.setblocking(False)
    accounts = [
        speaker_account("cb-1", ha1("cb-1", SECRET), ["alaw"], 0),
        speaker_account("cb-2", ha1("cb-2", SECRET), ["alaw"], 0),
        phone_account("phone", ha1("phone", SECRET), "101"),
        trunk_account(
            "carrier", "127.0.0.1", carrier.getsockname()[1], register=False, username="", password=""
        ),
    ]  # fmt: skip
    mode = DegradedMode("1999", "971357", ("PJSIP/cb-1", "PJSIP/cb-2"), ASTERISKS_OWN, ("1900",))
    arrived: list[Event] = []
    async with AsyncExitStack() as stack:
        stack.callback(carrier.close)
        asterisk = await stack.enter_async_context(lone_asterisk(_home(tmp_path_factory), accounts, mode))

        def take(event: Event) -> None:
            if event.type == "StasisStart":
                arrived.append(event)

        client = AriClient("127.0.0.1", asterisk.settings.ari_port, ari_password(asterisk.settings), take)
        await stack.enter_async_context(client)
        await stack.enter_async_context(in_background(client.run(_nothing, _nothing)))
        await asyncio.wait_for(client.connected.wait(), 10)
        on_air = SoftPhone(server=asterisk.server, id="cb-2", password=SECRET)
        await stack.enter_async_context(on_air)
        await on_air.registered()
        yield House(asterisk, client, on_air, carrier, arrived)


@pytest_asyncio.fixture(loop_scope="session")
async def house(running: House) -> AsyncIterator[House]:
    """The house with its speaker on air for the length of a test."""
    call = Call(running.client, f"speaker-{uuid.uuid4().hex}", None, "cb-2")
    async with call:
        del running.on_air.events[:]
        await call.place("PJSIP/cb-2", role="speaker", timeout=5)
        await running.on_air.incoming()
        await running.on_air.answer()
        await call.answered()
        yield running
    await running.on_air.ended()


def _home(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("redirection")


async def _nothing(*_: object) -> None:
    return None


def redirecting(house: House, contact: str, name: str) -> BareSpeaker:
    """A registered device that answers every call with 302."""
    headers = (f"Contact: <sip:{contact}@{house.asterisk.server}>",)
    return BareSpeaker(house.asterisk.server, name, SECRET, "302 Moved Temporarily", headers)


async def until_called(device: BareSpeaker) -> None:
    """Wait until a call has come to it."""
    async with asyncio.timeout(5):
        while not device.invites:  # noqa: ASYNC110 (a thread counts)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("contact", NAMED)
async def test_a_call_to_a_phone_that_redirects_it_ends_with_a_cause(house: House, contact: str) -> None:
    with redirecting(house, contact, "phone") as device:
        await asyncio.to_thread(device.registered.wait, 5)
        with pytest.raises(NotAnswered) as refusal:
            async with dial(house.client, "PJSIP/phone", timeout=5):
                pytest.fail("the call was answered")
    assert len(device.invites) == 1
    assert refusal.value.cause == NotAnswered.REDIRECTED
    await house.assert_undisturbed()


@pytest.mark.parametrize("contact", NAMED)
async def test_a_speaker_that_redirects_its_call_is_refused(house: House, contact: str) -> None:
    with redirecting(house, contact, "cb-1") as device:
        await asyncio.to_thread(device.registered.wait, 5)
        target = LegTarget(1, "cb-1", "PJSIP/cb-1", reachable=True, supervised=True)
        leg = SpeakerLeg(house.client, target, _nothing, asyncio.Semaphore(1), 5.0)
        async with in_background(leg.run()):
            await until_called(device)
            await asyncio.sleep(0.5)
            report = leg.report()
    assert report.reason is Reason.REFUSED
    await house.assert_undisturbed()


@pytest.mark.parametrize("contact", [name for name in NAMED if name.startswith("Local")])
async def test_a_local_channel_enters_no_part_of_the_dialplan(house: House, contact: str) -> None:
    what = contact.replace("%40", "@").removeprefix("Local%2F")
    channel = f"forwarded-{uuid.uuid4().hex}"
    with contextlib.suppress(AriError):
        await house.client.request(
            ORIGINATE, channelId=channel, endpoint=f"Local/{what}", app=APPLICATION, timeout=1, body={}
        )
    await asyncio.sleep(1.5)
    await house.assert_undisturbed()
