"""The software loudspeaker with a real Asterisk: what it plays, which calls it takes, what it survives."""

import asyncio
import contextlib
import os
import random
import re
import socket
import struct
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from dialplans.accounts import DynamicObject, ha1, phone_account, speaker_account
from haichieu.audio import Sound, measure, read_wav, resample, write_wav
from haichieu.audio.sound import from_pcm
from haichieu.demo.audio_matching import FOUND, match
from haichieu.demo.event_process import EventMissing
from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.demo.softphone.controller import CallNotAnswered, SoftPhone
from tests.lone_asterisk import LoneAsterisk, lone_asterisk

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("breakable"), pytest.mark.asyncio(loop_scope="session")]


PASSWORD = "mot-hai-ba"
ONE, EMERGENCY = "1", "9"
NUMBERS = {"phone-1": "101", "phone-2": "102"}
DIALPLAN = f"""
[degraded]
exten => {ONE},1,Dial(PJSIP/cl-1)
exten => {EMERGENCY},1,Dial(PJSIP/cl-1,,b(urgent^s^1))
[urgent]
exten => s,1,Set(PJSIP_HEADER(add,Priority)=emergency)
 same => n,Return()
"""


def accounts() -> list[list[DynamicObject]]:
    """Two phones and two speakers, which may register for less than a station asks for."""
    phones = [phone_account(name, ha1(name, PASSWORD), NUMBERS[name]) for name in NUMBERS]
    speakers = [speaker_account(name, ha1(name, PASSWORD), ["alaw"], 30) for name in ("cl-1", "cl-2")]
    return [[brief(item) for item in account] for account in (*phones, *speakers)]


def brief(item: DynamicObject) -> DynamicObject:
    if item.object_type != "aor":
        return item
    return replace(item, fields={**item.fields, "minimum_expiration": "5", "qualify_frequency": "0"})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asterisk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LoneAsterisk]:
    async with lone_asterisk(tmp_path_factory.mktemp("asterisk"), accounts(), dialplan=DIALPLAN) as running:
        yield running


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of speech, telephone rate."""
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    words = "Good morning. The water supply will be closed on Saturday, from seven o'clock until noon."
    subprocess.run(["espeak-ng", "-a", "60", "-w", str(path), words], check=True)
    spoken = resample(read_wav(path), 8000)
    write_wav(path, Sound(spoken.samples[: 4 * 8000], 8000))
    return path


def phone(asterisk: LoneAsterisk, number: int = 1) -> SoftPhone:
    return SoftPhone(server=asterisk.server, id=f"phone-{number}", password=PASSWORD)


def speaker(
    asterisk: LoneAsterisk,
    number: int = 1,
    *,
    password: str = PASSWORD,
    record: Path | None = None,
    output: str | None = None,
) -> SoftSpeaker:
    return SoftSpeaker(
        server=asterisk.server, id=f"cl-{number}", password=password, record=record, output=output, expires=10
    )


@contextlib.asynccontextmanager
async def ready(*devices: SoftPhone | SoftSpeaker) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for device in devices:
            await stack.enter_async_context(device)
        for device in devices:
            await device.registered()
        yield


async def call_until_answered(caller: SoftPhone, to: str) -> None:
    """Call again, as an official does who hears "not reachable", or hears nothing, and dials again."""
    async with asyncio.timeout(40):
        while True:
            try:
                await caller.call(to, timeout=8)
                return
            except CallNotAnswered:
                await asyncio.sleep(0.5)
            except EventMissing:
                await caller.hang_up()
                await caller.ended()


def udp_ports(pid: int) -> set[int]:
    """UDP ports a process listens on."""
    links = (os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd"))
    inodes = {found.group(1) for link in links if (found := re.match(r"socket:\[(\d+)\]", link))}
    rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    return {int(row[1].split(":")[1], 16) for row in rows if row[9] in inodes}


def invite(port: int, user: str, me: int) -> bytes:
    mark = f"{random.random()}"
    body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"
    return (
        f"INVITE sip:{user}@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{me};branch=z9hG4bK{mark};rport\r\n"
        f"From: <sip:stranger@127.0.0.1>;tag={mark}\r\nTo: <sip:{user}@127.0.0.1>\r\nCall-ID: {mark}\r\n"
        f"CSeq: 1 INVITE\r\nContact: <sip:stranger@127.0.0.1:{me}>\r\nMax-Forwards: 70\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def test_each_call_is_recorded_without_the_pauses_between(
    asterisk: LoneAsterisk, speech: Path, tmp_path: Path
) -> None:
    heard = tmp_path / "heard.wav"
    one, first, second = phone(asterisk), speaker(asterisk, record=heard), speaker(asterisk, 2, output="| cat")
    async with ready(one, first, second):
        for _ in range(2):
            await one.call(ONE)
            await first.call_started()
            played = await one.play(speech)
            await one.hang_up()
            await one.ended()
            ended = await first.call_ended()
            assert ended["sound_seconds"] == pytest.approx(measure(read_wav(speech)).active_seconds, abs=0.5)
            assert abs((await first.sound())["at"] - played.started) < 1.0  # two processes note the time, either late
            assert ended["level_db"] == pytest.approx(measure(read_wav(speech)).active_dbfs, abs=1.0)
    assert (first.returncode, second.returncode, one.returncode) == (0, 0, 0)
    recorded = read_wav(heard)
    quarter = len(recorded.samples) // 4  # the two calls are not of quite the same length: let the parts overlap
    for part in (recorded.samples[: 3 * quarter], recorded.samples[quarter:]):
        assert match(read_wav(speech), Sound(part, recorded.rate)).correlation > FOUND
    assert 7.5 < recorded.seconds < 10  # nothing of the time between the calls


async def test_player_command_receives_the_sound(asterisk: LoneAsterisk, speech: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    one, first = phone(asterisk), speaker(asterisk, output=f"| tee {raw}")
    async with ready(one, first):
        await one.call(ONE)
        await one.play(speech)
        await one.hang_up()
        await first.call_ended()
    assert match(read_wav(speech), from_pcm(raw.read_bytes(), 8000)).correlation > FOUND


async def test_second_call_is_busy_unless_it_is_an_emergency(asterisk: LoneAsterisk, speech: Path) -> None:
    one, two, first = phone(asterisk), phone(asterisk, 2), speaker(asterisk, output="| cat")
    async with ready(one, two, first):
        await one.call(ONE)
        await first.call_started()
        await one.begin_playing(speech)
        await first.sound()
        with pytest.raises(CallNotAnswered) as refusal:
            await two.call(ONE)
        assert refusal.value.code == 486
        assert (await first.take("refused", timeout=5))["reason"] == "busy"
        await two.call(EMERGENCY)
        assert (await first.call_ended())["reason"] == "replaced"
        assert (await first.call_started())["caller"] == "102"
        await one.ended()


async def test_calls_from_strangers_are_ignored(asterisk: LoneAsterisk) -> None:
    one, first = phone(asterisk), speaker(asterisk, output="| cat")
    async with ready(one, first):
        (port,) = udp_ports(first.pid)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.1", 0))
            for _ in range(500):
                stranger.sendto(invite(port, "cl-1", stranger.getsockname()[1]), ("127.0.0.1", port))
            await one.call(ONE)
            await first.call_started()
            stranger.setblocking(False)
            with pytest.raises(BlockingIOError):
                stranger.recv(4096)
        assert [event for event in first.events if event["event"] == "refused"] == []


async def test_forged_call_without_our_contact_is_refused(asterisk: LoneAsterisk) -> None:
    """The caller has the station's address but not the Contact, as when a packet's source is forged."""
    first = speaker(asterisk, output="| cat")
    async with ready(first):
        (port,) = udp_ports(first.pid)
        await asterisk.kill()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forged:
            forged.bind(("127.0.0.1", asterisk.settings.sip_port))
            forged.settimeout(5)
            forged.sendto(invite(port, "cl-1", asterisk.settings.sip_port), ("127.0.0.1", port))
            answers = [await asyncio.to_thread(forged.recv, 4096) for _ in range(2)]
        await asterisk.start()
    assert b"403" in answers[-1].split(b"\r\n")[0]
    assert not any(event["event"] == "call_started" for event in first.events)


async def test_stray_rtp_in_a_pause_is_not_played(asterisk: LoneAsterisk, tmp_path: Path) -> None:
    heard = tmp_path / "heard.wav"
    one, first = phone(asterisk), speaker(asterisk, record=heard)
    async with ready(one, first):
        before = udp_ports(first.pid)
        await one.call(ONE)
        await first.call_started()
        await asterisk.kill()
        noise = random.Random(3).randbytes(160)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for count in range(60):
                packet = struct.pack("!BBHII", 0x80, 8, 1000 + count, 160 * count, 7) + noise
                for port in udp_ports(first.pid) - before:
                    stranger.sendto(packet, ("127.0.0.1", port))
                await asyncio.sleep(0.02)
        await asterisk.start()
    assert measure(read_wav(heard)).active_seconds == 0


@pytest.mark.proof
async def test_next_call_is_taken_after_the_station_crashed(asterisk: LoneAsterisk) -> None:
    one, first = phone(asterisk), speaker(asterisk, output="| cat")
    async with ready(one, first):
        await one.call(ONE)
        await first.call_started()
        await asterisk.kill()
        await asterisk.start()
        async with ready(two := phone(asterisk, 2)):
            await call_until_answered(two, ONE)
            assert (await first.call_ended())["reason"] == "replaced"
            assert (await first.call_started())["caller"] == "102"


async def test_wrong_password_is_reported_once_and_tried_again(asterisk: LoneAsterisk) -> None:
    async with speaker(asterisk, password="sai", output="| cat") as wrong:
        for _ in range(2):
            assert (await wrong.take("registration_failed", timeout=10))["code"] == 401
        assert await wrong.stop() == 0
    assert len([line for line in wrong.errors if "sai mã loa hoặc mật khẩu" in line]) == 1


async def test_loudspeaker_registers_with_a_station_that_starts_later(asterisk: LoneAsterisk) -> None:
    await asterisk.kill()
    async with speaker(asterisk, output="| cat") as early:
        await asterisk.start()
        await early.registered(30)


@pytest.mark.proof
async def test_loudspeaker_registers_again_after_the_station_lost_it(asterisk: LoneAsterisk) -> None:
    one, first = phone(asterisk), speaker(asterisk, output="| cat")
    async with ready(first):
        await asterisk.kill()
        asterisk.forget_registrations()
        await asterisk.start()
        async with ready(one):
            await call_until_answered(one, ONE)
            await first.call_started()
