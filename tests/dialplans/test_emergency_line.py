"""Asterisk without the application: the emergency line reaches every speaker, other callers hear a sentence."""

import asyncio
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
import pytest_asyncio

from dialplans.accounts import ha1, phone_account, speaker_account, trunk_account
from dialplans.degraded import GROUP, DegradedMode, DegradedSounds, write_degraded
from dialplans.installation import find_installation
from haichieu.audio import read_wav
from haichieu.demo.audio_matching import FOUND, Match, match
from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from tests import asterisk_rest
from tests.lone_asterisk import LoneAsterisk, lone_asterisk
from tests.on_disk import files_with
from tests.station.multicast import MulticastReceiver

SECRET = "a-secret-nobody-guesses"
PIN = "971357"
SOUNDS = DegradedSounds(
    station_down="ss-noservice", ask_pin="agent-pass", wrong_pin="vm-incorrect", refused="vm-goodbye",
    locked="vm-sorry", live="beep", leave_message="vm-intro", message_kept="vm-msgsaved",
    message_not_kept="vm-mailboxfull",
)  # fmt: skip
QUIET = -45.0
PORT = 5004
BLOCK = random.randrange(256)
"""Another run of this suite on the machine must not speak into our groups."""

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("breakable"), pytest.mark.asyncio(loop_scope="session")]


def group_address(number: int) -> str:
    return f"239.{BLOCK}.{number // 200}.{number % 200 + 1}"


def multicast(number: int) -> str:
    return f"MulticastRTP/basic/{group_address(number)}:{PORT}//c(ulaw)i(127.0.0.1)"


OFFICIAL, STRANGER = "0912345678", "0987654321"
ENCRYPTED = "cb-2"
"""The speaker that uses TLS and SRTP."""
FEW = DegradedMode(
    "1999", PIN, ("PJSIP/cb-1", "PJSIP/cb-2", "PJSIP/cb-3", multicast(0)), SOUNDS, officials_numbers=("+84912345678",)
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asterisk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LoneAsterisk]:
    accounts = [
        speaker_account(name, ha1(name, SECRET), ["alaw"], 30, encrypted=name == ENCRYPTED)
        for name in ("cb-1", "cb-2", "cb-3")
    ]
    accounts.append(phone_account("desk", ha1("desk", SECRET), "101"))
    accounts.append(trunk_account("carrier", "127.0.0.1", 9, register=False, username="", password=""))
    async with lone_asterisk(tmp_path_factory.mktemp("degraded"), accounts, FEW) as running:
        yield running


@pytest.fixture(scope="module")
def speech(asterisk: LoneAsterisk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a real voice."""
    installation = find_installation(asterisk.settings)
    assert installation is not None
    made = tmp_path_factory.mktemp("speech") / "speech.wav"
    voice = installation.data / "sounds/en/demo-congrats.gsm"
    subprocess.run(["ffmpeg", "-v", "error", "-i", voice, "-t", "2", "-ar", "8000", made], check=True)
    return made


def calls_taken(loudspeaker: SoftSpeaker) -> int:
    return sum(event["event"] == "call_started" for event in loudspeaker.events)


async def speaker(asterisk: LoneAsterisk, name: str, record: Path, stack: AsyncExitStack) -> SoftSpeaker:
    where = asterisk.tls if name == ENCRYPTED else {"server": asterisk.server}
    made = SoftSpeaker(id=name, password=SECRET, record=record, bind="127.0.0.1", **where)
    speaker = await stack.enter_async_context(made)
    await speaker.registered()
    return speaker


async def desk(asterisk: LoneAsterisk, stack: AsyncExitStack, record: Path | None = None) -> SoftPhone:
    made = SoftPhone(server=asterisk.server, id="desk", password=SECRET, record=record)
    phone = await stack.enter_async_context(made)
    await phone.registered()
    return phone


async def rewrite(asterisk: LoneAsterisk, mode: DegradedMode) -> None:
    assert write_degraded(asterisk.settings, mode)
    await asterisk.ari("PUT", "/asterisk/modules/pbx_config.so")


async def speak_in_emergency(phone: SoftPhone, speech: Path, is_open: Callable[[], bool]) -> None:
    await phone.call("1999")
    await phone.digits(PIN + "#")
    await until(is_open, "the loudspeakers open")
    await phone.play(speech)
    await phone.hang_up()
    await phone.ended()


def remembered(asterisk: LoneAsterisk) -> int:
    """How many registrations would outlive a power cut; Asterisk writes them down once a second."""
    with closing(sqlite3.connect(asterisk.settings.home / "lib/astdb.sqlite3")) as database:
        [count] = database.execute("SELECT count(*) FROM astdb WHERE key LIKE '/registrar/contact/%'").fetchone()
    return int(count)


def lock_of(asterisk: LoneAsterisk, budget: str) -> int:
    """Return until when the line is locked for callers who share this budget of tries; 0 if it never was."""
    with closing(sqlite3.connect(asterisk.settings.home / "lib/astdb.sqlite3")) as database:
        found = database.execute("SELECT value FROM astdb WHERE key = ?", (f"/emergency/{budget}/until",)).fetchone()
    return int(found[0]) if found else 0


def online(asterisk: LoneAsterisk) -> set[str]:
    found = asterisk_rest.request(asterisk.settings, "GET", "/endpoints/PJSIP")
    return {endpoint["resource"] for endpoint in found if endpoint["state"] == "online"}


def recordings(asterisk: LoneAsterisk) -> set[Path]:
    return set((asterisk.settings.home / "spool/emergency").glob("*.wav"))


def heard(speech: Path, recorded: Path) -> Match:
    return match(read_wav(speech), read_wav(recorded))


async def test_emergency_line_reaches_every_speaker_after_a_crash(
    asterisk: LoneAsterisk, speech: Path, tmp_path: Path
) -> None:
    before = recordings(asterisk)
    async with AsyncExitStack() as stack:
        speakers = [await speaker(asterisk, name, tmp_path / f"{name}.wav", stack) for name in ("cb-1", "cb-2")]
        await until(lambda: remembered(asterisk) == 2, "both registrations on disk")
        await asterisk.stop(signal.SIGKILL)
        await asterisk.start()
        # Each would be asked within thirty seconds whether it still answers, and is called only then.
        await until(lambda: {"cb-1", "cb-2"} <= online(asterisk), "the registered speakers are reachable", 12)
        phone = await desk(asterisk, stack)
        with MulticastReceiver(group_address(0), PORT) as receiver:
            await speak_in_emergency(
                phone, speech, lambda: receiver.sound().seconds > 0 and all(map(calls_taken, speakers))
            )
        for one in speakers:
            await one.call_ended()

    assert [heard(speech, tmp_path / f"{name}.wav").correlation >= FOUND for name in ("cb-1", "cb-2")] == [True, True]
    assert match(read_wav(speech), receiver.sound()).correlation >= FOUND
    [kept] = recordings(asterisk) - before
    assert heard(speech, kept).correlation >= FOUND
    home = asterisk.settings.home
    assert files_with(home, PIN) == ["degraded.conf"]


async def test_speaker_in_an_orphaned_broadcast_hears_the_emergency(
    asterisk: LoneAsterisk, speech: Path, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        loudspeaker = await speaker(asterisk, "cb-1", tmp_path / "cb-1.wav", stack)
        phone = await desk(asterisk, stack)
        elsewhere = {"endpoint": "PJSIP/cb-1", "context": "degraded", "extension": "1900", "priority": 1}
        await asterisk.ari("POST", "/channels", elsewhere)
        await loudspeaker.call_started()
        await speak_in_emergency(phone, speech, lambda: calls_taken(loudspeaker) == 2)
        await loudspeaker.call_ended()

    assert heard(speech, tmp_path / "cb-1.wav").correlation >= FOUND


async def test_strangers_share_five_tries_and_lock_no_official(asterisk: LoneAsterisk, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:

        async def outside(number: str) -> SoftPhone:
            phone = await stack.enter_async_context(SoftPhone(server=asterisk.server, caller_number=number))
            await phone.ready(30)
            await phone.call("1999")
            return phone

        loudspeaker = await speaker(asterisk, "cb-2", tmp_path / "cb-2.wav", stack)
        first, second, third = [await outside(number) for number in (STRANGER, "0987000111", "anonymous")]
        await asyncio.gather(first.digits("111111#222222#333333#"), second.digits("444444#555555#"))
        await until(lambda: lock_of(asterisk, "strangers") > 0, "the line is locked for strangers")
        await third.digits(PIN + "#")  # it was asked before
        for phone in (first, second, third):
            await phone.ended(20)
        assert calls_taken(loudspeaker) == 0
        for number in (OFFICIAL, "+84912345678"):
            official = await outside(number)
            await official.digits(PIN + "#")
            await loudspeaker.call_started()
            await official.hang_up()
            await loudspeaker.call_ended()
    await asterisk.command("database deltree emergency")


@pytest.mark.proof
async def test_each_further_lock_within_a_day_is_twice_as_long(asterisk: LoneAsterisk, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        phone = await desk(asterisk, stack)
        for before, pause in ((0, 900), (900, 1800)):
            await asterisk.command(f"database put emergency phone-101/pause {before}")
            await asterisk.command(f"database put emergency phone-101/until {int(time.time()) - 5}")
            await asterisk.command("database put emergency phone-101/tries 4")
            await asterisk.command(f"database put emergency phone-101/since {int(time.time())}")
            await phone.call("1999")
            await phone.digits("111111#")
            await phone.ended(20)
            locked = time.time() + pause
            await until(lambda locked=locked: abs(lock_of(asterisk, "phone-101") - locked) < 30, f"{pause} seconds")
        loudspeaker = await speaker(asterisk, "cb-2", tmp_path / "cb-2.wav", stack)
        await phone.call("1999")
        await phone.digits(PIN + "#")
        await phone.ended(20)
        assert calls_taken(loudspeaker) == 0
    await asterisk.command("database deltree emergency")


async def test_other_callers_hear_a_sentence_and_the_call_ends(asterisk: LoneAsterisk, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        phone = await desk(asterisk, stack, tmp_path / "heard.wav")
        await phone.call("1900")
        await phone.ended(20)
    assert read_wav(tmp_path / "heard.wav").seconds > 1


@pytest.mark.proof
async def test_more_than_a_hundred_speakers_are_reached_in_groups(
    asterisk: LoneAsterisk, speech: Path, tmp_path: Path
) -> None:
    count = 3 * GROUP + 5
    many = DegradedMode("1999", PIN, tuple(multicast(number) for number in range(count)), SOUNDS)
    await rewrite(asterisk, many)
    async with AsyncExitStack() as stack:
        phone = await desk(asterisk, stack)
        receivers = [
            stack.enter_context(MulticastReceiver(group_address(number), PORT)) for number in (1, GROUP, count - 1)
        ]
        await speak_in_emergency(phone, speech, lambda: all(receiver.sound().seconds > 0 for receiver in receivers))
    assert [match(read_wav(speech), receiver.sound()).correlation >= FOUND for receiver in receivers] == [True] * 3
    await rewrite(asterisk, FEW)
