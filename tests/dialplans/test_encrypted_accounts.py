"""Accounts that demand encryption, with a real Asterisk: what they may use, and what a trace of the network shows."""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dialplans.accounts import CLEAR_DOMAIN, ha1, phone_account, speaker_account
from haichieu.audio.sound import Sound, read_wav
from haichieu.demo.audio_matching import FOUND, match
from haichieu.demo.event_process import EventProcess
from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from haichieu.settings import load_settings
from haichieu.sip.certificate import certificate_facts, certificate_files
from tests.lone_asterisk import LoneAsterisk, lone_asterisk
from tests.loopback_trace import LoopbackTrace

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("breakable"), pytest.mark.asyncio(loop_scope="session")]

SECRET = "a-secret-nobody-guesses"
OWN_RTP_PORTS = "32000-32199"
"""Ports that no other station or phone of the tests uses: what is traced there belongs to this Asterisk."""
NOTHING = 0.3
REFUSALS = ("403", "404", "415", "488")
"""401 would ask the device for the digest of its password."""
DIALPLAN = """
[degraded]
exten => 1,1,Dial(PJSIP/secret-speaker,,A(demo-congrats))
exten => 2,1,Dial(PJSIP/plain-speaker,,A(demo-congrats))
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asterisk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LoneAsterisk]:
    accounts = [
        phone_account("secret-phone", ha1("secret-phone", SECRET), "101", encrypted=True),
        phone_account("plain-phone", ha1("plain-phone", SECRET), "102"),
        speaker_account("secret-speaker", ha1("secret-speaker", SECRET), ["alaw"], 0, encrypted=True),
        speaker_account("plain-speaker", ha1("plain-speaker", SECRET), ["alaw"], 0),
    ]
    home = tmp_path_factory.mktemp("encrypted")
    async with lone_asterisk(home, accounts, dialplan=DIALPLAN, rtp_ports=OWN_RTP_PORTS) as running:
        yield running


def request(method: str, transport: str, domain: str) -> bytes:
    """A request in the name of the encrypted phone, without credentials."""
    lines = [
        f"{method} sip:secret-phone@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/{transport} 127.0.0.1:9;branch=z9hG4bK{method}{transport}{domain};rport",
        f"From: <sip:secret-phone@{domain}>;tag=1",
        f"To: <sip:secret-phone@{domain}>",
        f"Call-ID: {method}-{transport}-{domain}",
        f"CSeq: 1 {method}",
        "Contact: <sip:secret-phone@127.0.0.1:9;transport=tls>",
        "Max-Forwards: 70",
        "Content-Type: text/plain",
        "Content-Length: 2",
    ]
    return "\r\n".join([*lines, "", "hi"]).encode()


async def answer(asterisk: LoneAsterisk, transport: str, message: bytes) -> str:
    """Send a request and return the final status."""

    def ask() -> str:
        kind = socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as device:
            device.settimeout(10)
            device.connect((asterisk.settings.bind, asterisk.settings.sip_port))
            device.sendall(message)
            while True:
                status = re.match(r"SIP/2\.0 (\d+)", device.recv(65535).decode())
                if status and status[1] != "100":
                    return status[1]

    return await asyncio.to_thread(ask)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize("domain", ["127.0.0.1", "example.org", CLEAR_DOMAIN])
async def test_encrypted_account_is_refused_in_the_clear(asterisk: LoneAsterisk, transport: str, domain: str) -> None:
    assert await answer(asterisk, transport, request("REGISTER", transport, domain)) == "403"
    for method in ("INVITE", "MESSAGE"):
        assert await answer(asterisk, transport, request(method, transport, domain)) in REFUSALS
    assert "secret-phone" not in await asterisk.command("pjsip show contacts")


async def heard_by(speaker: SoftSpeaker, phone: SoftPhone, number: str, speech: Sound, file: Path) -> None:
    """Call a speaker through the station, and wait until most of what the station says has arrived there.

    It is said once, and on a busy machine a speaker misses a part of it; the trace has whatever was sent.
    """
    async with speaker, phone:
        await speaker.registered()
        await phone.registered()
        await phone.dial(number)  # answered only after the announcement
        arrived = lambda: file.exists() and match(speech, read_wav(file)).correlation > FOUND  # noqa: E731
        await until(arrived, "the announcement arrives", 30, 0.3)


async def test_trace_of_an_encrypted_call_shows_neither_sip_nor_voice(
    asterisk: LoneAsterisk, speeches: dict[str, Path], tmp_path: Path
) -> None:
    speech = read_wav(speeches["demo-congrats"])
    first, last = asterisk.settings.rtp_range
    sip_ports = (asterisk.settings.sip_port, asterisk.settings.sip_tls_port)
    traces = {}
    for kind, number, where in (("secret", "1", asterisk.tls), ("plain", "2", {"server": asterisk.server})):
        file = tmp_path / f"{kind}.wav"
        speaker = SoftSpeaker(id=f"{kind}-speaker", password=SECRET, record=file, **where)
        try:
            traces[kind] = LoopbackTrace((*sip_ports, *range(first, last + 1)))
        except PermissionError:
            pytest.skip("recording packets needs CAP_NET_RAW")
        with traces[kind]:
            await heard_by(speaker, SoftPhone(id=f"{kind}-phone", password=SECRET, **where), number, speech, file)

    assert max(match(speech, voice).correlation for voice in traces["plain"].voices()) > FOUND
    assert b"REGISTER sip:" in traces["plain"].text(sip_ports)
    assert traces["secret"].voices()
    assert max(match(speech, voice).correlation for voice in traces["secret"].voices()) < NOTHING
    for word in (b"SIP/2.0", b"secret-phone", b"secret-speaker", b"m=audio"):
        assert word not in traces["secret"].text(sip_ports)


class Impostor:
    """A TLS server with a certificate of its own; `received` is what devices send it after the handshake."""

    def __init__(self, home: Path) -> None:
        settings = load_settings(home=home)
        self.fingerprint = certificate_facts(settings).fingerprint
        self.received = b""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate_files(settings).certificate)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0, ssl=self._context)
        async with server:
            yield "{}:{}".format(*server.sockets[0].getsockname())

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            self.received += await reader.read()
        writer.close()


@pytest.mark.parametrize("how", ["--fingerprint", "--ca-file"])
async def test_speaker_sends_nothing_to_a_server_with_another_certificate(
    asterisk: LoneAsterisk, tmp_path: Path, how: str
) -> None:
    impostor = Impostor(tmp_path)
    authority = str(certificate_files(asterisk.settings).certificate)
    trusted = {"--fingerprint": asterisk.tls["fingerprint"], "--ca-file": authority}[how]
    async with impostor.listening() as server:
        arguments = [
            "--server",
            server,
            "--id",
            "secret-speaker",
            "--password",
            "-",
            "--record",
            str(tmp_path / "a.wav"),
        ]
        arguments += ["--tls", how, trusted, "--language", "en"]
        async with EventProcess("broadcast_bridge.loudspeaker", arguments, secret=SECRET) as speaker:
            event = await speaker.take("server_not_trusted", timeout=30)
            await speaker.take("registration_failed", timeout=30)
    assert event["fingerprint"] == impostor.fingerprint
    assert impostor.received == b""
    assert f"{server} is not trusted: its certificate is the wrong one" in " ".join(speaker.errors)


async def test_speaker_accepts_a_server_certified_by_an_authority(asterisk: LoneAsterisk, tmp_path: Path) -> None:
    authority = str(certificate_files(asterisk.settings).certificate)
    arguments = ["--server", asterisk.tls["server"], "--id", "secret-speaker", "--password", "-"]
    arguments += ["--record", str(tmp_path / "a.wav"), "--tls", "--ca-file", authority]
    async with EventProcess("broadcast_bridge.loudspeaker", arguments, secret=SECRET) as speaker:
        await speaker.take("registered", timeout=30)


async def test_speaker_names_encryption_when_it_is_refused_in_the_clear(asterisk: LoneAsterisk, tmp_path: Path) -> None:
    arguments = ["--server", asterisk.server, "--id", "secret-speaker", "--password", "-", "--language", "en"]
    arguments += ["--record", str(tmp_path / "a.wav")]
    async with EventProcess("broadcast_bridge.loudspeaker", arguments, secret=SECRET) as speaker:
        assert (await speaker.take("registration_failed", timeout=30))["code"] == 403
    assert "use --tls" in " ".join(speaker.errors)
