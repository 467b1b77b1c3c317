"""Notes of the degraded dialplan about its messages, complete or cut short by a full disk."""

import base64
import datetime
from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from dialplans.degraded import ASTERISKS_OWN, DegradedMode, degraded_dialplan
from dialplans.left_messages import FOLDER, caller_key, left_messages
from feedback.intake.voice_messages import VoiceMessages
from haichieu.database import Database
from haichieu.processes.degraded_messages import DegradedMessages

AT = datetime.datetime(2026, 11, 20, 7, 30, tzinfo=datetime.UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    return folder


def sealed(home: Path, number: str) -> str:
    """As AES_ENCRYPT() does it: blocks filled up with zeros, each by itself."""
    key = caller_key(home).encode()

    def block(text: str) -> str:
        machine = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        return base64.b64encode(machine.update(text.encode().ljust(16, b"\0")) + machine.finalize()).decode()

    return block("12345678" + number[:8]) + block("87654321" + number[8:])


@pytest.mark.parametrize("number", ["101", "12345678", "0987654321", "+84987654321", "+123456789012345"])
def test_caller_number_is_stored_encrypted(tmp_path: Path, spool: Path, number: str) -> None:
    (spool / "left-1795000000.7.about").write_text(f"{AT.timestamp():.0f} 1800 {sealed(tmp_path, number)} DTMF")
    (spool / "left-1795000000.7.wav").touch()
    [message] = left_messages(tmp_path)
    assert (message.channel, message.at, message.dialled, message.number) == ("1795000000.7", AT, "1800", number)
    assert not any(number.encode() in path.read_bytes() for path in spool.iterdir())
    message.forget()
    assert left_messages(tmp_path) == []


@pytest.mark.parametrize(
    ("about", "dialled"),
    [
        (f"{AT.timestamp():.0f} 1800 ", "1800"),
        (f"{AT.timestamp():.0f} 1800  HANGUP", "1800"),
        (f"{AT.timestamp():.0f} 1800 c2hvcnQ=", "1800"),
        (f"{AT.timestamp():.0f} 1800 {'A' * 48}", "1800"),
        (f"{AT.timestamp():.0f} 1800 not-base64", "1800"),
        ("", ""),
        ("17", ""),
        ("soon 1800", ""),
    ],
)
def test_damaged_note_leaves_the_message_without_a_number(
    tmp_path: Path, spool: Path, about: str, dialled: str
) -> None:
    (spool / "left-1.2.about").write_text(about)
    (spool / "left-1.2.wav").touch()
    [message] = left_messages(tmp_path)
    assert (message.dialled, message.number) == (dialled, None)


def test_recording_and_note_are_found_without_each_other(tmp_path: Path, spool: Path) -> None:
    (spool / "left-1.2.wav").touch()
    (spool / "left-3.4.about").write_text(f"{AT.timestamp():.0f} 1800 ")
    assert [(message.channel, message.wav.exists()) for message in left_messages(tmp_path)] == [
        ("1.2", True), ("3.4", False),
    ]  # fmt: skip


def test_one_message_is_taken_in_without_reading_the_others(
    tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = f"{AT.timestamp():.0f} 1800 {sealed(tmp_path, '0987654321')} DTMF"
    for channel in ("1.2", "3.4", "5.6"):
        (spool / f"left-{channel}.about").write_text(note)
    read: list[str] = []

    def counted(sealed: str, key: bytes) -> None:
        read.append(sealed)

    monkeypatch.setattr("dialplans.left_messages._decrypted", counted)
    desk = DegradedMessages(tmp_path, cast(Database, None), cast(VoiceMessages, None))
    assert desk.take_in("left-3.4") is None
    assert desk.take_in("left-7.8") is None
    assert desk.take_in("../left-1.2") is None
    assert len(read) == 1
    assert sorted(path.name for path in spool.iterdir()) == ["left-1.2.about", "left-5.6.about"]


def test_messages_are_taken_at_hotline_numbers_only() -> None:
    hostile = "1)\n same => n,System(reboot"
    mode = DegradedMode("1999", "1234", (), ASTERISKS_OWN, ("1800", hostile, "1999"))
    text = degraded_dialplan(mode, ASTERISKS_OWN, Path("/home"), "0123456789abcdef")
    assert "exten => 1800,1,Set(DIALLED=1800)\n same => n,Goto(leave-message,s,1)" in text
    assert "exten => 1999,1,Goto(emergency-line,s,1)" in text
    assert text.count("exten => 1999,") == 1
    assert "reboot" not in text
