"""Kamailio in front of two Asterisks with our accounts, with the configuration that a province uses."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography import x509

from dialplans.accounts import ha1, phone_account, proxy_account, speaker_account, trunk_account
from dialplans.configuration import write_authorities
from dialplans.registration import Registration
from haichieu.demo.sip_proxy import ProxyTls, SipProxy, sip_proxy
from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.demo.softphone.controller import CallNotAnswered, SoftPhone
from haichieu.demo.trial_station import LOOPBACK, free_port, until
from haichieu.sip.certificate import certificate_files, fingerprint_of
from tests.builders.certificates import authority, server_certificate
from tests.lone_asterisk import LoneAsterisk, lone_asterisk
from tests.peers.scripted_device import new_device

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("callers"),
    pytest.mark.asyncio(loop_scope="module"),
]

SECRET = "mot-hai-ba"
RULES = Registration(10, through_proxy=True)
DIALPLAN = (
    "[degraded]\nexten => _X.,1,Answer()\n same => n,Log(WARNING,TAKEN ${CHANNEL(endpoint)})\n same => n,Wait(20)\n"
    "exten => s,1,Playback(demo-congrats)\n"
)
BACK_SECONDS = 10.0
ELSEWHERE = "127.0.0.9"
"""Over TLS a node is known by its address alone, which a device must not share."""


@dataclass
class Nodes:
    """The Asterisks, and the proxy in front of them."""

    proxy: SipProxy
    asterisks: list[LoneAsterisk]
    carrier_port: int
    tls: dict[str, str]
    """Where devices that encrypt register, and the fingerprint of the proxy's certificate."""

    def takes(self, words: str) -> list[int]:
        """Return the Asterisks whose log contains these words."""
        logs = [one.log.read_text(errors="replace") for one in self.asterisks]
        return [place for place, log in enumerate(logs) if words in log]

    async def contact_of(self, code: str) -> list[str]:
        """Return the contacts of a device, by Asterisk; empty where it is not registered."""
        found = []
        for one in self.asterisks:
            said = await one.command(f"pjsip show aor {code}") if one.process and one.process.returncode is None else ""
            contact = re.search(r"Contact:\s+\S+?/(sip:\S+)", said)
            found.append(contact[1] if contact else "")
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nodes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nodes]:
    folder = tmp_path_factory.mktemp("proxy")
    port, carrier = free_port(socket.SOCK_DGRAM, socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    tls_port, pem, trusted = free_port(socket.SOCK_STREAM), folder / "proxy.pem", folder / "nodes.pem"
    pem.write_text(server_certificate(LOOPBACK))
    trunk = {"register": False, "username": "", "password": "", "proxy": f"127.0.0.1:{port}"}
    accounts = [
        *(speaker_account(code, ha1(code, SECRET), ["alaw"], 0, registration=RULES) for code in ("cl-1", "cl-2")),
        speaker_account("cl-3", ha1("cl-3", SECRET), ["alaw"], 0, encrypted=True, registration=RULES),
        phone_account("desk", ha1("desk", SECRET), "101", qualified=False, registration=RULES),
        proxy_account(),
        trunk_account("carrier", "127.0.0.1", carrier, **trunk),  # type: ignore[arg-type]
    ]
    async with AsyncExitStack() as stack:
        started = [lone_asterisk(folder / name, accounts, dialplan=DIALPLAN) for name in ("one", "two")]
        asterisks = [await stack.enter_async_context(one) for one in started]
        for one in asterisks:
            write_authorities(one.settings, [authority()])
        trusted.write_text("".join(certificate_files(one.settings).certificate.read_text() for one in asterisks))
        tls = ProxyTls(tls_port, pem, [one.tls["server"] for one in asterisks], trusted)
        servers, carriers = [one.server for one in asterisks], [f"127.0.0.1:{carrier}"]
        proxy = await stack.enter_async_context(sip_proxy(folder / "kamailio", port, servers, carriers, tls))
        certificate = x509.load_pem_x509_certificate(pem.read_bytes())
        encrypted = {"server": f"{LOOPBACK}:{tls_port}", "fingerprint": fingerprint_of(certificate)}
        yield Nodes(proxy, asterisks, carrier, encrypted)


async def speaks(asterisk: LoneAsterisk, code: str) -> None:
    """Call a device and play it some speech."""
    where = {"context": "degraded", "extension": "s", "priority": 1}
    await asterisk.ari("POST", "/channels", {"endpoint": f"PJSIP/{code}", **where})


async def test_speaker_is_called_on_its_path_and_moves_when_its_node_dies(nodes: Nodes, tmp_path: Path) -> None:
    options = {"server": nodes.proxy.server, "bind": "127.0.0.1", "record": tmp_path / "heard.wav", "expires": 10}
    async with SoftSpeaker(id="cl-1", password=SECRET, **options) as one:  # type: ignore[arg-type]
        await one.registered()
        contacts = await nodes.contact_of("cl-1")
        (place,) = [number for number, contact in enumerate(contacts) if contact]
        home, other = nodes.asterisks[place], nodes.asterisks[1 - place]
        await speaks(home, "cl-1")
        await one.sound(10)
        await home.kill()
        async with asyncio.timeout(BACK_SECONDS):
            while not any(await nodes.contact_of("cl-1")):  # noqa: ASYNC110 (no event tells)
                await asyncio.sleep(0.1)
        await speaks(other, "cl-1")
        await one.sound(10)
        await home.start()


async def test_encrypted_speaker_is_called_over_tls_on_its_path(nodes: Nodes, tmp_path: Path) -> None:
    speaker = SoftSpeaker(
        id="cl-3", password=SECRET, bind=ELSEWHERE, record=tmp_path / "heard.wav", expires=10, **nodes.tls
    )
    async with speaker as one:
        await one.registered()
        (place,) = [number for number, contact in enumerate(await nodes.contact_of("cl-3")) if contact]
        await speaks(nodes.asterisks[place], "cl-3")
        await one.sound(10)


async def test_encrypted_speaker_is_refused_in_the_clear_behind_the_proxy(nodes: Nodes, tmp_path: Path) -> None:
    device = new_device(nodes.proxy.server, "cl-3", SECRET, tmp_path)
    with pytest.raises(AssertionError, match=r"SIP/2\.0 40[34]"):
        await device.register()
    assert not any(await nodes.contact_of("cl-3"))


async def test_call_of_a_phone_arrives_at_its_node_with_its_own_account(nodes: Nodes) -> None:
    async with SoftPhone(server=nodes.proxy.server, id="desk", password=SECRET) as desk:
        await desk.registered()
        await desk.call("1022")
        await until(lambda: nodes.takes("TAKEN desk") != [], "its node takes it", 5)
        await desk.hang_up()
        await desk.ended()


async def test_stranger_is_refused_though_the_node_trusts_the_proxy(nodes: Nodes) -> None:
    async with SoftPhone(server=nodes.proxy.server, caller_number="+84977000999") as stranger:
        await stranger.ready()
        with pytest.raises(CallNotAnswered) as refusal:
            await stranger.call("1022")
    assert refusal.value.code == 403


async def test_call_of_the_carrier_is_taken_by_one_node(nodes: Nodes) -> None:
    before = nodes.takes("TAKEN carrier")
    async with SoftPhone(server=nodes.proxy.server, caller_number="+84977000111", port=nodes.carrier_port) as carrier:
        await carrier.ready()
        await carrier.call("1022")
        await until(lambda: len(nodes.takes("TAKEN carrier")) == len(before) + 1, "a node takes it", 5)
        await carrier.hang_up()
        await carrier.ended()


async def test_device_cannot_choose_its_own_path(nodes: Nodes, tmp_path: Path) -> None:
    device = new_device(nodes.proxy.server, "cl-2", SECRET, tmp_path)
    await device.register()
    async with device.serving("speaker"):
        (place,) = [number for number, contact in enumerate(await nodes.contact_of("cl-2")) if contact]
        await speaks(nodes.asterisks[place], "cl-2")
        await until(lambda: device.requests("INVITE") != [], "it is called", 10)
    assert device.requests("INVITE")[0].startswith(f"INVITE sip:cl-2@127.0.0.1:{device.port} ")
