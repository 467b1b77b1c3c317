"""Baresip as a loudspeaker: its configuration, a real call, and its end."""

import asyncio
import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from dialplans.accounts import ha1, speaker_account
from haichieu.audio import Sound, read_wav, write_wav
from haichieu.demo import listeners, loopback_sockets
from haichieu.demo.audio_matching import FOUND, match
from haichieu.demo.baresip_speaker import BaresipSpeaker, configuration, installed_version, recorded
from haichieu.demo.event_process import ChildEnded, EventMissing
from haichieu.demo.trial_station import until
from tests.lone_asterisk import LoneAsterisk, lone_asterisk

NOBODY = "127.0.0.1:9"
DIALPLAN = "[degraded]\nexten => 1,1,Playback(demo-congrats)\n"
IN_A_SCRIPT = """
import asyncio, signal, sys
from pathlib import Path
from haichieu.demo.baresip_speaker import BaresipSpeaker

signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background a shell switches it off

async def main():
    async with BaresipSpeaker(server=sys.argv[1], id="cb", password="s", folder=Path(sys.argv[2])) as speaker:
        print(speaker.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
OPENS_SOCKETS = """
import socket, sys
opened = [socket.create_server(("", 0)), socket.create_server(("::", 0), family=socket.AF_INET6)]
print("open", flush=True)
sys.stdin.readline()
"""


def password_of(code: str) -> str:
    return f"speaker-{code}-secret"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asterisk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LoneAsterisk]:
    accounts = [speaker_account(code, ha1(code, password_of(code)), ["alaw"], 30) for code in listeners.CODES]
    async with lone_asterisk(tmp_path_factory.mktemp("baresip"), accounts, dialplan=DIALPLAN) as running:
        yield running


def registering(asterisk: LoneAsterisk, password: str, folder: Path) -> BaresipSpeaker:
    return BaresipSpeaker(server=asterisk.server, id="cb-03", password=password, folder=folder / "cb")


def is_running(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


class TestConfiguration:
    """The files that Baresip reads."""

    def test_registers_and_answers_with_the_given_codecs(self) -> None:
        files = configuration("127.0.0.1:5060", "cb-1", "s3cret", Path("/f"), Path("/m"), ["alaw", "g722"], 30)
        account = files["accounts"].strip().split(";")
        assert account[0] == "<sip:cb-1@127.0.0.1:5060>"
        assert account[1:3] == ["auth_user=cb-1", "auth_pass=s3cret"]
        assert {"answermode=auto", "audio_codecs=PCMA/8000/1,G722/16000/1", "regint=30"} < set(account)

    def test_listens_on_loopback_and_records_into_its_folder(self) -> None:
        files = configuration(NOBODY, "cb-1", "s", Path("/folder"), Path("/m"), ["alaw"], 30)
        lines = files["config"].splitlines()
        assert {"net_interface 127.0.0.1", "sip_listen 127.0.0.1:0", "snd_path /folder"} < set(lines)
        assert "module_path /m" in lines
        loaded = {line.split()[1] for line in lines if line.startswith(("module ", "module_app "))}
        assert not loaded & {"httpd.so", "ctrl_tcp.so", "mqtt.so", "cons.so", "alsa.so"}

    async def test_password_is_readable_for_its_owner_only(self, tmp_path: Path) -> None:
        folder = tmp_path / "cb"
        async with BaresipSpeaker(server=NOBODY, id="cb", password="s", folder=folder):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_codecs_have_to_be_known(self) -> None:
        with pytest.raises(KeyError):
            configuration(NOBODY, "cb-1", "s", Path("/f"), Path("/m"), ["g729"], 30)


class TestRecording:
    """The files that Baresip writes."""

    def test_call_that_is_not_over_is_read_to_its_end(self, tmp_path: Path) -> None:
        file = tmp_path / "dump.wav"
        write_wav(file, Sound(np.full(800, 0.5, np.float32), 16000))
        unfinished = bytearray(file.read_bytes())
        unfinished[40:44] = bytes(4)
        file.write_bytes(unfinished + b"\1")
        sound = recorded(file)
        assert sound is not None
        assert (len(sound.samples), sound.rate) == (800, 16000)
        assert sound.samples == pytest.approx(0.5)

    def test_call_without_a_sample_is_left_out(self, tmp_path: Path) -> None:
        for content in (b"", b"RIFF", bytes(44), bytes(45)):
            (tmp_path / "dump.wav").write_bytes(content)
            assert recorded(tmp_path / "dump.wav") is None

    def test_calls_are_joined_in_their_order(self, tmp_path: Path) -> None:
        speaker = BaresipSpeaker(server=NOBODY, id="cb", password="s", folder=tmp_path)
        assert len(speaker.heard().samples) == 0
        for second, level in ((9, 0.25), (10, 0.5)):
            file = tmp_path / f"dump-2026-01-02-03-04-{second:02}-dec.wav"
            write_wav(file, Sound(np.full(80, level, np.float32), 8000))
        write_wav(tmp_path / "dump-2026-01-02-03-04-09-enc.wav", Sound(np.ones(80, np.float32), 8000))
        assert speaker.heard().samples.tolist() == pytest.approx([0.25] * 80 + [0.5] * 80)


def test_system_without_baresip_has_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert installed_version() is None


def test_baresip_without_its_modules_counts_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/baresip").write_text("#!/bin/sh\necho baresip v9.9.9\n")
    (tmp_path / "bin/baresip").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert installed_version() is None


async def test_speaker_that_cannot_start_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChildEnded, match="baresip"):
        async with BaresipSpeaker(server=NOBODY, id="cb", password="s", folder=tmp_path / "cb"):
            pass


@pytest.fixture
def with_sockets() -> Iterator[int]:
    """The id of a process that listens on all interfaces."""
    command = [sys.executable, "-c", OPENS_SOCKETS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        yield child.pid
        child.communicate("\n")


def test_sockets_of_a_child_are_bound_to_the_loopback_device(with_sockets: int) -> None:
    try:
        assert len(abroad(with_sockets)) == 2
    except PermissionError:
        pytest.skip("the rules of this container forbid it")
    loopback_sockets.keep_to_loopback(with_sockets)
    assert abroad(with_sockets) == []


def test_sockets_of_a_process_that_has_ended_are_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    loopback_sockets.keep_to_loopback(child.pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "ctrl-c"])
async def test_ends_with_the_process_that_started_it(tmp_path: Path, number: signal.Signals) -> None:
    script = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", IN_A_SCRIPT, NOBODY, str(tmp_path / "cb")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert script.stdout is not None
    pid = int(await script.stdout.readline())
    script.send_signal(number)
    await script.wait()
    await until(lambda: not is_running(pid), "Baresip has ended", 5)


@pytest.mark.calls
@pytest.mark.xdist_group("breakable")
class TestCalls:
    """With an Asterisk."""

    pytestmark = pytest.mark.asyncio(loop_scope="session")

    async def test_hears_what_the_station_plays(
        self, asterisk: LoneAsterisk, speeches: dict[str, Path], tmp_path: Path
    ) -> None:
        speech = read_wav(speeches["demo-congrats"])
        async with registering(asterisk, password_of("cb-03"), tmp_path) as speaker:
            await speaker.registered()
            await asterisk.ari("POST", "/channels?endpoint=PJSIP/cb-03&context=degraded&extension=1&priority=1")
            await until(lambda: match(speech, speaker.heard()).correlation > FOUND, "it is heard", 30, 0.3)
            with contextlib.suppress(PermissionError):  # of a container
                assert abroad(speaker.pid) == []
        assert match(speech, speaker.heard()).correlation > FOUND
        assert not is_running(speaker.pid)

    async def test_wrong_password_is_reported(self, asterisk: LoneAsterisk, tmp_path: Path) -> None:
        async with registering(asterisk, "wrong", tmp_path) as speaker:
            await until(lambda: any("401 Unauthorized" in line for line in speaker.lines), "it is refused")
            with pytest.raises(EventMissing, match="401 Unauthorized"):
                await speaker.registered(timeout=0.1)

    @pytest.mark.parametrize("present", [True, False], ids=["with", "without"])
    async def test_demo_uses_baresip_where_it_is_installed(
        self, asterisk: LoneAsterisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: bool
    ) -> None:
        if not present:
            monkeypatch.setattr(listeners, "installed_version", lambda: None)
        async with AsyncExitStack() as stack:
            speakers = await listeners.switch_on(asterisk.server, tmp_path, stack)
        software = [speaker.software for speaker in speakers.values()]
        last = f"baresip {installed_version()}" if present else "haichieu"
        assert software == ["haichieu", "haichieu", last]
        assert listeners.all_are_our_own(speakers) is not present


def abroad(pid: int) -> list[str]:
    """The sockets of a process that other machines can reach."""
    return [
        str(opened.getsockname())
        for opened in loopback_sockets.internet_sockets(pid)
        if opened.getsockname()[0] != "127.0.0.1" and device_of(opened) != b"lo"
    ]


def device_of(opened: socket.socket) -> bytes:
    return opened.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0")
