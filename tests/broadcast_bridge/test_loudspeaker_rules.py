"""Decisions and outputs of the loudspeaker, without a call."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from broadcast_bridge.loudspeaker.incoming_call import SpeakerCall, comes_from, is_emergency
from broadcast_bridge.loudspeaker.outputs import BadOutput, OutputNotUsable, PlayerOutput, RecordingOutput
from broadcast_bridge.loudspeaker.speaker import LoudspeakerOptions, run_loudspeaker
from haichieu.audio import measure, read_wav
from haichieu.locale import message
from haichieu.sip.address import BadServerAddress, ServerAddress, SocketAddress
from haichieu.sip.endpoint_events import Invite
from haichieu.sip.frames import HeardFrame
from tests.waiting import wait_until

STATION = SocketAddress("10.0.0.1", 5060)
TOKEN = "f" * 32
LOUD = (8192).to_bytes(2, "little", signed=True) * 160
SILENT = bytes(320)


@pytest.mark.parametrize(
    ("source", "uri", "ours"),
    [
        (STATION, f"sip:cl@10.0.0.9:6000;token={TOKEN}", True),
        (STATION, f"sip:cl@10.0.0.9:6000;token={TOKEN};ob", True),
        (STATION, "sip:cl@10.0.0.9:6000", False),
        (STATION, "sip:cl@10.0.0.9:6000;token=", False),
        (STATION, f"sip:cl@10.0.0.9:6000;token={TOKEN[:-1]}e", False),
        (SocketAddress("10.0.0.1", 5061), f"sip:cl@10.0.0.9:6000;token={TOKEN}", False),
        (SocketAddress("10.0.0.2", 5060), f"sip:cl@10.0.0.9:6000;token={TOKEN}", False),
    ],
)
def test_a_call_is_the_stations_by_its_address_and_our_token(source: SocketAddress, uri: str, ours: bool) -> None:
    assert comes_from(Invite(source, uri, "sip:x@y"), STATION, TOKEN) is ours


@pytest.mark.parametrize(
    ("value", "urgent"), [("emergency", True), ("Emergency ", True), ("urgent", False), ("", False)]
)
def test_an_emergency_says_so_in_its_priority(value: str, urgent: bool) -> None:
    assert is_emergency(Invite(STATION, "", "", {"priority": value})) is urgent


def test_an_invite_is_read_with_folded_and_repeated_headers() -> None:
    message = (
        "INVITE sip:cl@10.0.0.9;token=ab SIP/2.0\r\nVia: one\r\nVia: two\r\n"
        'From: "Hai"\r\n <sip:0912@10.0.0.1>;tag=1\r\nPRIORITY : emergency\r\n\r\nFrom: <sip:body@x>\r\n'
    )
    invite = Invite.read(message, STATION)
    assert (invite.dialled, invite.caller, invite.headers["via"]) == ("cl", "0912", "one")
    assert is_emergency(invite)


def test_a_call_is_measured_over_what_is_not_silence() -> None:
    call = SpeakerCall(1, "studio")
    assert [call.hear(HeardFrame(0.0, pcm)) for pcm in (SILENT, LOUD, SILENT, LOUD)] == [False, True, False, False]
    assert call.sound_seconds == pytest.approx(0.04)
    assert call.level_db == pytest.approx(-12.04, abs=0.01)


@pytest.mark.parametrize(
    "text", ["", ":5060", "loa:", "loa:0", "loa:70000", "loa:x", "a b:5060", "loa:5060:1", "[::1]:5"]
)
def test_what_is_not_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(BadServerAddress):
        ServerAddress.parse(text)


@pytest.mark.parametrize("text", ["dai.example:5061", "10.0.0.1:5061"])
def test_host_and_port_are_read(text: str) -> None:
    assert str(ServerAddress.parse(text)) == text
    assert ServerAddress.parse("dai").port == 5060


@pytest.mark.parametrize(
    ("server", "record", "output", "status", "says"),
    [
        ("nowhere:port", None, None, 2, "HOST:PORT"),
        ("dai:5060", Path("a.wav"), "default", 2, "--record"),
        ("dai:5060", None, "|", 2, "--output"),
        ("dai:5060", None, "| no-such-player", 1, "no-such-player"),
        ("dai:5060", Path("/proc/none/a.wav"), None, 1, "/proc/none/a.wav"),
        ("dai:5060", Path("/dev"), None, 1, "/dev"),
    ],
)
def test_a_mistake_ends_it_with_a_sentence(
    server: str, record: Path | None, output: str | None, status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = LoudspeakerOptions(server=server, id="cl-1", password="x", record=record, output=output)
    assert run_loudspeaker(options) == status
    assert says in capsys.readouterr().err


def test_a_server_without_an_address_is_waited_for_until_told_to_stop() -> None:
    command = [sys.executable, "-m", "broadcast_bridge.loudspeaker", "--server", "no-such-host.invalid:5060"]
    with subprocess.Popen(
        [*command, "--id", "x", "--password", "y", "--output", "| cat"], stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stderr is not None
        assert "no-such-host.invalid" in waiting.stderr.readline()
        waiting.terminate()
        assert waiting.wait(10) == 0


def test_the_password_is_not_shown() -> None:
    assert "bi-mat" not in repr(LoudspeakerOptions(server="a:1", id="x", password="bi-mat"))


def test_a_recording_is_whole_after_every_piece(tmp_path: Path) -> None:
    output = RecordingOutput(tmp_path / "a.wav", 8000)
    output.write(LOUD * 50)
    assert measure(read_wav(tmp_path / "a.wav")).active_seconds == 1.0
    assert output.trouble() is None
    output.close()


def test_a_disk_that_is_full_at_the_start_is_reported() -> None:
    with pytest.raises(OutputNotUsable):
        RecordingOutput(Path("/dev/full"), 8000)


def test_a_player_gets_every_byte_and_ends_with_the_call(tmp_path: Path) -> None:
    output = PlayerOutput(f"| tee {tmp_path / '{rate}'}", 8000)
    for _ in range(2):
        output.write(LOUD)
        output.end_of_call()
        wait_until(lambda: (tmp_path / "8000").exists() and (tmp_path / "8000").read_bytes() == LOUD, "the sound", 5)
    output.close()


def test_a_player_that_dies_is_started_again(tmp_path: Path) -> None:
    output = PlayerOutput(f"| sh -c 'echo >> {tmp_path / 'starts'}; exec head -c 320'", 8000)

    def started_again() -> bool:
        output.write(LOUD)
        return (tmp_path / "starts").exists() and len((tmp_path / "starts").read_text()) > 1

    wait_until(started_again, "the player is started again", 5)
    assert output.trouble() == message("speaker.output.player_died", program="sh")
    output.close()


def test_a_player_that_stalls_delays_nobody() -> None:
    output = PlayerOutput("| sleep 30", 8000)
    began = time.monotonic()
    for _ in range(500):
        output.write(LOUD)
    assert time.monotonic() - began < 2
    output.close()


def test_quotes_that_do_not_close_are_refused() -> None:
    with pytest.raises(BadOutput):
        PlayerOutput("| cat 'x", 8000)
