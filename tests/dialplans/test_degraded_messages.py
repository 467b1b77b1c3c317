"""The hotline while the application is down: Asterisk takes messages, and each becomes one case later."""

import asyncio
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from broadcast_bridge.programmes.models import Programme
from dialplans.accounts import trunk_account
from dialplans.degraded import ASTERISKS_OWN, DegradedMode
from dialplans.installation import find_installation
from dialplans.left_messages import FOLDER, LeftMessage, left_messages
from feedback.citizens.registry import open_citizens
from feedback.models import Case
from haichieu.audio import read_wav
from haichieu.audio.sound import Sound
from haichieu.database import Database
from haichieu.demo.audio_matching import FOUND, match
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import free_port, until
from haichieu.media import MediaStore
from haichieu.process_control import end_with_parent
from tests.command_line import haichieu
from tests.lone_asterisk import LoneAsterisk, lone_asterisk
from tests.on_disk import files_with

HOTLINE, PIN = "1800", "971357"
CALLER = "0987654321"
MODE = DegradedMode("1999", PIN, (), replace(ASTERISKS_OWN, leave_message="beep"), (HOTLINE,))
LONG = {"demo-instruct": "60"}
"""Seconds of the sound that is longer than three: it is spoken until the application runs, on a slow machine too."""
DISTRICT = f"""
[[units]]
code = "BL"
name = "Bảo Lạc"
level = "district"
[[units]]
code = "CB"
name = "Cô Ba"
level = "commune"
parent = "BL"
[[numbers]]
number = "{HOTLINE}"
flow = "hotline"
unit = "CB"
"""

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("breakable"), pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def carrier_port() -> int:
    return free_port(socket.SOCK_DGRAM)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asterisk(tmp_path_factory: pytest.TempPathFactory, carrier_port: int) -> AsyncIterator[LoneAsterisk]:
    trunk = trunk_account("carrier", "127.0.0.1", carrier_port, register=False, username="", password="")
    async with lone_asterisk(tmp_path_factory.mktemp("messages"), [trunk], MODE) as running:
        yield running


@pytest.fixture(scope="module")
def sounds(asterisk: LoneAsterisk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Real voices: what a caller says, and Asterisk's own sentences that it must hear."""
    installation = find_installation(asterisk.settings)
    assert installation is not None
    folder = tmp_path_factory.mktemp("sounds")
    made = {}
    for name in ("demo-congrats", "demo-instruct", ASTERISKS_OWN.message_kept, ASTERISKS_OWN.message_not_kept):
        made[name] = folder / f"{name}.wav"
        voice = installation.data / f"sounds/en/{name}.gsm"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", voice, "-t", LONG.get(name, "3"), "-ar", "8000", made[name]], check=True
        )
    return made


@asynccontextmanager
async def caller(
    asterisk: LoneAsterisk, port: int, heard: Path | None = None, number: str = CALLER
) -> AsyncIterator[SoftPhone]:
    """An outside caller on the carrier's trunk."""
    async with SoftPhone(server=asterisk.server, caller_number=number, port=port, record=heard) as phone:
        await phone.ready(30)
        await phone.call(HOTLINE, 30)
        yield phone


def folder(asterisk: LoneAsterisk) -> Path:
    return asterisk.settings.home / FOLDER


def left(asterisk: LoneAsterisk) -> list[LeftMessage]:
    return left_messages(asterisk.settings.home)


def recorded(asterisk: LoneAsterisk) -> bool:
    """Whether a recording has begun: the tone is being heard, or is over."""
    return any(folder(asterisk).glob("*.wav"))


def same(spoken: Path, recording: Path) -> bool:
    return match(read_wav(spoken), read_wav(recording)).correlation >= FOUND


async def begin_speaking(asterisk: LoneAsterisk, phone: SoftPhone, speech: Path) -> None:
    await until(lambda: recorded(asterisk), "the recording begins")
    await phone.play(speech)


@pytest.fixture(autouse=True)
def empty_spool(asterisk: LoneAsterisk) -> None:
    for path in folder(asterisk).iterdir():
        path.unlink()


async def test_message_is_stored_before_the_thanks_without_the_number(
    asterisk: LoneAsterisk, carrier_port: int, sounds: dict[str, Path], tmp_path: Path
) -> None:
    async with caller(asterisk, carrier_port, tmp_path / "heard.wav") as phone:
        await begin_speaking(asterisk, phone, sounds["demo-congrats"])
        assert [message.number for message in left(asterisk)] == [CALLER]  # before it is over
        await phone.digits("#")
        await phone.ended(20)

    [message] = left(asterisk)
    assert message.dialled == HOTLINE
    assert same(sounds["demo-congrats"], message.wav)
    assert same(sounds[ASTERISKS_OWN.message_kept], tmp_path / "heard.wav")
    assert files_with(asterisk.settings.home, CALLER.lstrip("0")) == []


async def test_concurrent_callers_get_separate_messages(
    asterisk: LoneAsterisk,
) -> None:
    numbers = ["anonymous", "0912345678%22)%7B%24%7BEPOCH%7D", "09123456789012345678", "0912345678", "101"]
    async with AsyncExitStack() as stack:
        phones = await asyncio.gather(
            *(stack.enter_async_context(caller(asterisk, 0, number=number)) for number in numbers)
        )
        await until(lambda: len(list(folder(asterisk).glob("*.wav"))) == len(numbers), "every recording begins")
        found = left(asterisk)
        await asyncio.gather(*(phone.hang_up() for phone in phones))
    assert sorted(message.number or "" for message in found) == ["", "", "", "0912345678", "101"]
    assert {message.dialled for message in found} == {HOTLINE}


@pytest.mark.proof
async def test_full_disk_is_announced_to_the_caller(
    asterisk: LoneAsterisk, carrier_port: int, sounds: dict[str, Path], tmp_path: Path
) -> None:
    assert asterisk.process is not None
    usual = resource.prlimit(asterisk.process.pid, resource.RLIMIT_FSIZE)
    try:
        # Full after a second or two: what is kept of the message is kept, and no thanks are said.
        resource.prlimit(asterisk.process.pid, resource.RLIMIT_FSIZE, (20_000, usual[1]))
        async with caller(asterisk, carrier_port, tmp_path / "cut-off.wav") as phone:
            await begin_speaking(asterisk, phone, sounds["demo-congrats"])
            await phone.ended(20)
        # Full from the start: nobody speaks in vain.
        resource.prlimit(asterisk.process.pid, resource.RLIMIT_FSIZE, (0, usual[1]))
        async with caller(asterisk, carrier_port, tmp_path / "refused.wav") as phone:
            await phone.ended(20)
    finally:
        resource.prlimit(asterisk.process.pid, resource.RLIMIT_FSIZE, usual)

    for heard in ("cut-off", "refused"):
        assert same(sounds[ASTERISKS_OWN.message_not_kept], tmp_path / f"{heard}.wav"), heard
    first, second = left(asterisk)
    assert (first.number, first.wav.exists(), second.wav.exists()) == (CALLER, True, False)


@pytest.fixture(scope="module")
def database(asterisk: LoneAsterisk) -> Iterator[Database]:
    """The station's own, with a district applied."""
    home = asterisk.settings.home
    (home / "district.toml").write_text(DISTRICT)
    applied = haichieu("apply", str(home / "district.toml"), "--home", str(home))
    assert applied.returncode == 0, applied.stderr
    opened = Database(asterisk.settings.resolved_database_url)
    yield opened
    opened.close()


def environment(asterisk: LoneAsterisk) -> dict[str, str]:
    given = {name: str(getattr(asterisk.settings, name)) for name in asterisk.settings.model_fields_set}
    return {**os.environ, **{f"HAICHIEU_{name.upper()}": value for name, value in given.items()}}


@asynccontextmanager
async def switchboard(asterisk: LoneAsterisk) -> AsyncIterator[None]:
    """The application returns for a while."""
    with asterisk.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "haichieu", "switchboard"),
            env=environment(asterisk), stdout=log, stderr=log, preexec_fn=end_with_parent,
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0


@pytest.mark.proof
async def test_each_message_becomes_one_case_despite_kills(
    asterisk: LoneAsterisk, database: Database, carrier_port: int, sounds: dict[str, Path], tmp_path: Path
) -> None:
    async with caller(asterisk, carrier_port) as phone:
        await begin_speaking(asterisk, phone, sounds["demo-congrats"])
        await phone.hang_up()
    await asterisk.calls_over()
    shutil.copytree(folder(asterisk), tmp_path / "as-it-was")
    async with caller(asterisk, carrier_port, number="anonymous") as phone:
        await until(lambda: len(list(folder(asterisk).glob("*.wav"))) == 2, "the second recording begins")
        await phone.play(sounds["demo-congrats"])
        await asterisk.stop(signal.SIGKILL)
    emergency = asterisk.settings.home / "spool/emergency/emergency-1790000000-1790000000.1.wav"
    shutil.copyfile(sounds["demo-congrats"], emergency)
    await asterisk.start()

    async with switchboard(asterisk):
        await until(lambda: not left(asterisk) and not emergency.exists(), "everything is taken in", 30)
        # A switchboard killed after the commit leaves the files where they were.
        shutil.copytree(tmp_path / "as-it-was", folder(asterisk), dirs_exist_ok=True)
        await until(lambda: not left(asterisk), "everything is taken in again", 30)

    with database.session() as session:
        known, unknown = session.scalars(sa.select(Case).order_by(Case.opened_at))
        assert known.citizen is not None
        assert open_citizens(asterisk.settings.home).number_of(known.citizen) == "+84987654321"
        assert unknown.citizen is None
        assert [(case.unit.code, case.unit_by, case.channel) for case in (known, unknown)] == [
            ("CB", "number", "call")
        ] * 2
        # A killed Asterisk has up to two seconds in its buffer that nobody sees again.
        for case, seconds in ((known, 3.0), (unknown, 1.0)):
            message = case.messages[0]  # an acknowledgement may follow
            assert message.sound is not None
            kept = MediaStore(asterisk.settings.home / "media", 1).path(message.sound)
            speech = read_wav(sounds["demo-congrats"])
            spoken = Sound(speech.samples[: int(seconds * speech.rate)], speech.rate)
            assert match(spoken, read_wav(kept)).correlation >= FOUND
        assert [programme.title for programme in session.scalars(sa.select(Programme))] == [
            "Đường dây khẩn cấp 21/09/2026 21:13"
        ]
    assert files_with(asterisk.settings.home, CALLER.lstrip("0")) == []


@pytest.mark.proof
async def test_caller_may_finish_when_the_application_returns(
    asterisk: LoneAsterisk, database: Database, carrier_port: int, sounds: dict[str, Path]
) -> None:
    def cases() -> int:
        with database.session() as session:
            return session.scalars(sa.select(sa.func.count()).select_from(Case)).one()

    before = cases()
    finished = folder(asterisk) / "left-1.2.wav"
    async with caller(asterisk, carrier_port) as phone:
        await until(lambda: recorded(asterisk), "the recording begins")
        await phone.begin_playing(sounds["demo-instruct"])
        shutil.copyfile(sounds["demo-congrats"], finished)
        async with switchboard(asterisk):
            await until(lambda: cases() == before + 1 and not finished.exists(), "the finished one is taken in", 30)
            [speaking] = left(asterisk)
            size = speaking.wav.stat().st_size
            await until(lambda: speaking.wav.stat().st_size > size, "it is still being recorded")
            await phone.hang_up()
            await until(lambda: not left(asterisk), "it is taken in", 30)
    assert cases() == before + 2
