"""Loudspeakers as makers build them, each played by a script, at an Asterisk with our accounts."""

import asyncio
import itertools
import re
import socket
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from broadcast_bridge.broadcasts.states import Priority, Reason
from broadcast_bridge.models import Speaker
from broadcast_bridge.studio.speaker_target import MulticastRoute, dial_string
from haichieu.ari.call import Call
from haichieu.background import in_background
from haichieu.demo.baresip_speaker import BaresipSpeaker
from haichieu.demo.trial_station import until
from tests.peers.house import SECRET, House, house_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.calls, pytest.mark.xdist_group("callers")]

WIDE, PLAIN = ["g722", "opus", "alaw", "ulaw"], ["alaw", "ulaw"]
GROUP = "239.255.77.45"
IP_RECVTTL = 12
"""Of Linux; Python has no name for it."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    speakers = {"wide": WIDE, **dict.fromkeys(("one", "two", "mute", "far"), PLAIN)}
    async with house_of(tmp_path_factory.mktemp("devices"), migrated_sqlite, speakers) as house:
        yield house


def offered(invite: str) -> list[str]:
    """The names of the codecs in an offer, in its order, without those of keys."""
    names = dict(re.findall(r"a=rtpmap:(\d+) ([\w-]+)/", invite))
    media = re.search(r"m=audio \d+ \S+ ([\d ]+)", invite)
    assert media is not None
    return [names[kind] for kind in media[1].split() if names[kind] != "telephone-event"]


def call_id(request: str) -> str:
    """The Call-ID of a request."""
    found = re.search(r"^Call-ID: (\S+)", request, re.MULTILINE)
    assert found is not None
    return found[1]


def granted(answer: str) -> int:
    """The seconds for which a registration is valid by its answer."""
    found = re.search(r"^Expires: (\d+)", answer, re.MULTILINE)
    assert found is not None
    return int(found[1])


class Port:
    """A port that counts packets of sound."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.number: int = self._socket.getsockname()[1]
        self.packets = 0

    def count(self) -> int:
        """Return the number of packets that have come so far."""
        while True:
            try:
                self._socket.recv(2000)
            except BlockingIOError:
                return self.packets
            self.packets += 1

    async def speak(self, port: int) -> None:
        """Send sound to a port of the station, as a device does that talks: one packet every 20 ms."""
        for number in itertools.count():
            head = bytes((0x80, 8)) + number.to_bytes(2, "big") + (160 * number).to_bytes(4, "big") + b"same"
            self._socket.sendto(head + b"\xd5" * 160, ("127.0.0.1", port))
            await asyncio.sleep(0.02)


async def heard_at(house: House, code: str, announced: Port, other: Port) -> tuple[int, int]:
    """Packets at the announced port and at another one, after a device has sent sound from the other one."""
    async with house.registered(code, sound_port=announced.number) as device, house.call(code) as call:
        found = re.search(r"m=audio (\d+)", device.requests("INVITE")[0])
        assert found is not None
        async with in_background(call.say("demo-congrats")):
            await until(lambda: announced.count() > 5, "sound arrives")
            async with in_background(other.speak(int(found[1]))):
                before = announced.count(), other.count()
                await until(lambda: announced.count() + other.count() - sum(before) > 100, "more sound arrives")
                return announced.count() - before[0], other.count() - before[1]


async def is_symmetric(house: House, code: str) -> bool:
    """Return whether Asterisk sends sound to where the device's own sound comes from."""
    fields = await house.asterisk.ari("GET", f"/asterisk/config/dynamic/res_pjsip/endpoint/{code}")
    return {"attribute": "rtp_symmetric", "value": "true"} in fields


async def test_codecs_are_offered_in_the_configured_order(house: House) -> None:
    async with house.registered("wide", payload=9) as device, house.call("wide") as call:
        assert offered(device.requests("INVITE")[0]) == ["G722", "opus", "PCMA", "PCMU"]
        formats = await house.asterisk.command(f"core show channel {call.id}")
    assert "g722" in formats.partition("WriteFormat")[2] or "(g722)" in formats


async def test_sound_goes_to_the_announced_port_despite_other_packets(house: House) -> None:
    announced, stray = await heard_at(house, "one", Port(), Port())
    assert announced > 95
    assert stray == 0


async def test_device_that_never_answers_options_is_called(house: House) -> None:
    async with house.registered("mute", "ignores_options") as device:
        await until(lambda: house.speaker("mute").answers_options is False, "the device is known")
        await until(lambda: house.speaker("mute").reachable, "reachable without OPTIONS")
        asked = len(device.requests("OPTIONS"))
        async with house.leg("mute") as leg:
            await asyncio.wait_for(leg.joined.wait(), 5)
        assert "mute" not in house.lost
        assert len(device.requests("OPTIONS")) == asked
    assert house.speaker("mute").answers_options is None


async def test_device_behind_nat_is_found_by_its_registration(house: House) -> None:
    device = house.device("far")
    await device.register(contact_host="192.168.7.7")
    await until(lambda: house.speaker("far").nat_seen, "NAT is noticed")
    async with asyncio.timeout(5):
        while not await is_symmetric(house, "far"):  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.05)
    await device.register(0, contact_host="192.168.7.7")
    await device.register()
    await until(lambda: not house.speaker("far").nat_seen, "it has come home")
    await device.register(0)


async def test_call_shows_the_station_and_asks_the_device_to_answer(house: House) -> None:
    async with house.registered("two") as device, house.leg("two") as leg:
        await asyncio.wait_for(leg.joined.wait(), 5)
        invite = device.requests("INVITE")[0]
    lines = dict(line.split(": ", 1) for line in invite.splitlines() if ": " in line)
    assert lines["From"].startswith('"Đài Cô Ba" <sip:1900@')
    assert lines["Call-Info"].endswith(";answer-after=0")
    assert lines["Answer-Mode"] == "Auto"
    assert invite.count("Alert-Info: ") == 1


async def test_device_that_is_busy_is_called_again(house: House) -> None:
    async with house.registered("two", "busy") as device, house.leg("two") as leg:
        await until(lambda: len(set(map(call_id, device.requests("INVITE")))) > 1, "called again", 8)
        assert leg.report().reason is Reason.BUSY


@pytest.mark.proof
@pytest.mark.parametrize("scenario", ["options_404", "session_progress"])
async def test_device_that_answers_in_its_own_way_is_heard(house: House, scenario: str) -> None:
    async with house.registered("two", scenario), house.leg("two") as leg:
        await asyncio.wait_for(leg.joined.wait(), 5)


@pytest.mark.proof
@pytest.mark.parametrize(("scenario", "reason"), [("declines", Reason.REFUSED), ("unavailable", Reason.DO_NOT_DISTURB)])
async def test_device_that_does_not_disturb_is_called_again(house: House, scenario: str, reason: Reason) -> None:
    async with house.registered("two", scenario) as device, house.leg("two") as leg:
        await until(lambda: len(set(map(call_id, device.requests("INVITE")))) > 1, "called again", 8)
        assert leg.report().reason is reason


@pytest.mark.proof
async def test_device_that_rings_for_nine_seconds_is_heard_in_the_end(house: House) -> None:
    async with house.registered("two", "rings") as device, house.leg("two", answer_seconds=5.0) as leg:
        await asyncio.wait_for(leg.joined.wait(), 30)
        assert leg.report().attempts == 2
        assert device.requests("CANCEL")


@pytest.mark.proof
async def test_device_that_drops_every_third_options_request_stays_in_its_call(house: House) -> None:
    async with house.registered("two", "drops_every_third_options") as device, house.leg("two") as leg:
        await asyncio.wait_for(leg.joined.wait(), 5)
        house.returned.clear()
        house.lost.clear()
        await until(lambda: ("two", False) in house.returned, "it is back after a missed request", 40)
        assert leg.report().attempts == 1
        assert "two" not in house.lost
        assert not device.requests("BYE")


@pytest.mark.proof
async def test_device_that_registers_at_another_port_in_its_call_is_called_there(house: House) -> None:
    async with house.registered("two") as before, house.leg("two") as leg:
        await asyncio.wait_for(leg.joined.wait(), 5)
        after = house.device("two")
        await after.register()
        async with after.serving("speaker"):
            await until(lambda: bool(after.requests("INVITE")), "called at the new port", 5)
            await until(lambda: bool(before.requests("BYE")), "the old call is over", 5)


@pytest.mark.proof
async def test_telephone_of_other_people_takes_wideband_and_hears(house: House) -> None:
    server, folder = house.asterisk.server, house.folder / "baresip"
    wide = BaresipSpeaker(server=server, id="wide", password=SECRET, folder=folder, codecs=["alaw", "g722"])
    async with wide as speaker:
        await until(lambda: house.speaker("wide").reachable, "registered")
        async with house.call("wide") as call, in_background(call.say("demo-congrats")):
            await until(lambda: speaker.heard().seconds > 1.5, "it hears")
    assert speaker.heard().rate == 16000


@pytest.mark.proof
async def test_call_to_a_device_that_insists_on_session_timers_is_refreshed(house: House) -> None:
    async with house.registered("two", "insists_on_timers") as device, house.leg("two") as leg:
        await asyncio.wait_for(leg.joined.wait(), 5)
        await until(lambda: len(device.requests("INVITE")) > 1, "refreshed after half of the 90 seconds", 60)
        await until(lambda: len(device.requests("ACK")) > 1, "the refresh was answered")
        assert device.requests("BYE") == []
        assert len(set(map(call_id, device.requests("INVITE")))) == 1


async def test_multicast_passes_as_many_routers_as_the_setting_says(house: House) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((GROUP, 0))
        membership = socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1")
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        listener.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        listener.settimeout(10)
        group = f"{GROUP}:{listener.getsockname()[1]}"
        speaker = Speaker(code="group", multicast=group, multicast_by_priority={}, codecs=["ulaw"])
        target = dial_string(speaker, Priority.NORMAL, MulticastRoute("127.0.0.1", 5))
        async with Call(house.client, f"speaker-{uuid.uuid4().hex}", None, "group") as call:
            await call.place(target, role="speaker", timeout=5)
            await call.answered()
            async with in_background(call.say("demo-congrats")):
                _, ancillary, _, _ = await asyncio.to_thread(listener.recvmsg, 2000, 100)
    assert [value[0] for _, kind, value in ancillary if kind == socket.IP_TTL] == [5]


@pytest.mark.parametrize(("asked", "given"), [(10, 30), (599, 599), (3600, 3600), (86400, 3600)])
async def test_registration_lasts_as_long_as_the_device_asks(house: House, asked: int, given: int) -> None:
    device = house.device("two")
    assert granted(await device.register(asked)) == given
    assert granted(await device.register(given - 1)) == max(given - 1, 30)
    await device.register(0)
