"""Devices in a stranger's hands: whatever they answer, send or name, nobody is called and nobody is hung up."""

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
from broadcast_bridge.speakers.direct_calls import registered_address
from broadcast_bridge.studio.speaker_leg import SpeakerLeg
from broadcast_bridge.studio.speaker_target import LegTarget
from dialplans.accounts import ha1, phone_account, speaker_account, trunk_account
from dialplans.configuration import ari_password
from dialplans.degraded import ASTERISKS_OWN, DegradedMode
from haichieu.ari.call import Call
from haichieu.ari.client import APPLICATION, AriClient
from haichieu.ari.dialling import Leg, dial_one
from haichieu.ari.errors import AriError, NotAnswered
from haichieu.ari.events import Event
from haichieu.ari.operations import Operation
from haichieu.background import in_background
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from ivr.calls.transfer import transfer_call
from tests import asterisk_rest
from tests.lone_asterisk import LoneAsterisk, lone_asterisk
from tests.peers.house import unheard
from tests.station.bare_speaker import BareSpeaker
from tests.station.hostile_device import NAMED, Attempt, HostileDevice, hostile_requests

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("breakable")]

SECRET = "a-secret-nobody-guesses"
REFUSED = {"REFER", "SUBSCRIBE", "PUBLISH", "NOTIFY"}
ORIGINATE = Operation("POST", "/channels/{channelId}", frozenset({"endpoint", "app", "timeout"}), sends_body=True)
"""What the station never uses: it is how a Local channel comes into being that a device has named."""

OF_TEXTS = "Message/ast_msg_queue"
"""Asterisk's own channel, which receives texts and is in no call."""


@dataclass
class House:
    """An Asterisk with a speaker on air, the application, and the carrier's end of the trunk."""

    asterisk: LoneAsterisk
    client: AriClient
    on_air: SoftPhone
    carrier: socket.socket
    arrived: list[Event]
    call: Call | None = None
    """The call of the speaker on air."""

    @property
    def carrier_address(self) -> str:
        """Where the carrier listens."""
        return "{}:{}".format(*self.carrier.getsockname())

    def carrier_was_called(self) -> bool:
        """Return whether anything reached the carrier since the last time."""
        try:
            return bool(self.carrier.recv(65535))
        except BlockingIOError:
            return False

    async def assert_undisturbed(self, but: str = "") -> None:
        """Nobody but the speaker on air (and the device `but`) is in a call, and nothing rang or came in."""

        def in_calls() -> set[str]:
            listed = asterisk_rest.request(self.asterisk.settings, "GET", "/channels")
            return {one["name"].rpartition("-")[0] for one in listed if one["name"] != OF_TEXTS}

        # A call that has just been ended is there for a moment.
        await until(lambda: in_calls() - {f"PJSIP/{but}"} == {"PJSIP/cb-2"}, "only the speaker is in a call", 5)
        assert not [event for event in self.on_air.events if event["event"] in ("ended", "refused")]
        assert sum(event["event"] == "incoming" for event in self.on_air.events) == 1
        assert not self.carrier_was_called()
        arrived = self.arrived[:]
        self.arrived.clear()
        assert not arrived


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
        running.call = call
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
            async with dial_one(house.client, "PJSIP/phone", timeout=5):
                pytest.fail("the call was answered")
    assert len(device.invites) == 1
    assert refusal.value.cause == NotAnswered.REDIRECTED
    await house.assert_undisturbed()


@pytest.mark.parametrize("contact", NAMED)
async def test_a_speaker_that_redirects_its_call_is_refused(house: House, contact: str) -> None:
    with redirecting(house, contact, "cb-1") as device:
        await asyncio.to_thread(device.registered.wait, 5)
        target = LegTarget(1, "cb-1", "PJSIP/cb-1", reachable=True, supervised=True)
        leg = SpeakerLeg(house.client, target, unheard(house.client), asyncio.Semaphore(1), 5.0, 30.0)
        async with in_background(leg.run()):
            await until_called(device)
            await until(lambda: leg.report().reason is Reason.FORWARDED, "the speaker is refused")
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


async def attacked(house: House, device: HostileDevice) -> None:
    """Let the device send everything once it is in a call; nothing moves."""
    await until(device.talking.is_set, "the call is confirmed")
    device.attack(
        [*hostile_requests(device, house.asterisk.server, house.carrier_address), Attempt("OPTIONS", to="1900")]
    )

    def refusals() -> set[str]:
        return {status for method, status in device.answers if method in REFUSED}

    await until(lambda: ("OPTIONS", "200") in device.answers and len(refusals()) == 3, "everything is answered")
    await asyncio.sleep(0.5)
    assert refusals() == {"489", "501", "603"}
    assert {status for method, status in device.answers if method == "SUBSCRIBE"} == {"603"}
    await house.assert_undisturbed(but=device.name)


async def test_a_speaker_in_a_strangers_hands_moves_nothing(house: House) -> None:
    with HostileDevice(house.asterisk.server, "cb-1", SECRET) as device:
        await asyncio.to_thread(device.registered.wait, 5)
        target = LegTarget(1, "cb-1", "PJSIP/cb-1", reachable=True, supervised=True)
        leg = SpeakerLeg(house.client, target, unheard(house.client), asyncio.Semaphore(1), 5.0, 30.0)
        async with in_background(leg.run()):
            await asyncio.wait_for(leg.joined.wait(), 5)
            await attacked(house, device)
    await house.assert_undisturbed()


async def test_a_called_phone_in_a_strangers_hands_moves_nothing(house: House) -> None:
    with HostileDevice(house.asterisk.server, "phone", SECRET) as device:
        await asyncio.to_thread(device.registered.wait, 5)
        async with dial_one(house.client, "PJSIP/phone", timeout=5):
            await attacked(house, device)
    await house.assert_undisturbed()


async def test_a_duty_desk_in_a_strangers_hands_moves_nothing(house: House) -> None:
    assert house.call is not None
    with HostileDevice(house.asterisk.server, "phone", SECRET) as device:
        await asyncio.to_thread(device.registered.wait, 5)
        talk = transfer_call(house.client, house.call, [Leg("PJSIP/phone")], ring_seconds=5, shows="1900")
        async with in_background(talk):
            await attacked(house, device)
    await house.assert_undisturbed()


async def test_a_device_cannot_register_or_answer_with_an_address_of_another(house: House) -> None:
    named = f"Contact: <sip:0900123456@{house.carrier_address}>"
    with BareSpeaker(
        house.asterisk.server, "phone", SECRET, "200 OK", (named,), contact=f"0900123456@{house.carrier_address}"
    ) as device:
        await asyncio.to_thread(device.registered.wait, 5)
        async with dial_one(house.client, "PJSIP/phone", timeout=5):
            assert len(device.invites) == 1
    await house.assert_undisturbed()


async def test_the_address_of_a_registered_device_is_found_without_calling_it(house: House) -> None:
    assert await registered_address(house.client, "nobody") is None
    with BareSpeaker(house.asterisk.server, "cb-1", SECRET) as device:
        await asyncio.to_thread(device.registered.wait, 5)
        assert str(await registered_address(house.client, "cb-1")) == device.address
        await asyncio.sleep(0.1)
        assert device.invites == []
    await house.assert_undisturbed()
