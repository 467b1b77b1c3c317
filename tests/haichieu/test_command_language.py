"""The language of commands: chosen by setting or file, one per command, for help, output and errors."""

import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from broadcast_bridge.models import Speaker
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.audit import AuditEntry
from haichieu.errors import SettingsError
from haichieu.locale import message, render
from haichieu.people import Unit
from haichieu.processes.opened_station import open_station
from haichieu.settings import command_language, load_settings
from haichieu.station import the_station
from tests.command_line import haichieu


def test_language_comes_from_the_environment_or_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HAICHIEU_LANGUAGE", raising=False)
    assert command_language(tmp_path) == "vi"
    (tmp_path / "haichieu.toml").write_text('language = "en"\n')
    assert command_language(tmp_path) == "en"
    monkeypatch.setenv("HAICHIEU_LANGUAGE", "vi")
    assert command_language(tmp_path) == "vi"


def test_wrong_settings_are_reported_in_the_chosen_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HAICHIEU_LANGUAGE", raising=False)
    (tmp_path / "haichieu.toml").write_text('language = "en"\nsip_port = 0\nrtp_ports = "5"\n')
    assert command_language(tmp_path) == "en"
    with pytest.raises(SettingsError) as refusal:
        load_settings(home=tmp_path)
    assert render(refusal.value.message, "en").splitlines() == [
        "sip_port: must be at least 1",
        "rtp_ports: must be first-last, for example 20000-29999, both between 1024 and 65535",
    ]
    assert render(refusal.value.message, "vi").splitlines() == [
        "sip_port: ít nhất 1",
        "rtp_ports: phải có dạng đầu-cuối, ví dụ 20000-29999, từ 1024 đến 65535",
    ]


def test_sip_port_among_the_rtp_ports_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HAICHIEU_LANGUAGE", raising=False)
    (tmp_path / "haichieu.toml").write_text('sip_port = 20001\nrtp_ports = "20000-29999"\n')
    with pytest.raises(SettingsError, match="20001"):
        load_settings(home=tmp_path)
    (tmp_path / "haichieu.toml").write_text("fan_out_port = 20001\n")
    load_settings(home=tmp_path)
    (tmp_path / "haichieu.toml").write_text("fan_out_port = 20001\nfan_out = true\n")
    with pytest.raises(SettingsError, match="fan_out_port"):
        load_settings(home=tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"language = ", "haichieu.toml is not valid TOML"),
        (b'language = "fr"', "language: "),
        ('node = "đài"'.encode("utf-16"), "haichieu.toml is not UTF-8 text"),
    ],
    ids=["no TOML", "no such language", "no UTF-8"],
)
def test_unreadable_language_is_vietnamese(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, says: str
) -> None:
    monkeypatch.delenv("HAICHIEU_LANGUAGE", raising=False)
    (tmp_path / "haichieu.toml").write_bytes(content)
    assert command_language(tmp_path) == "vi"
    with pytest.raises(SettingsError, match=says):
        load_settings(home=tmp_path)


def test_settings_that_cannot_be_read_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pydantic_settings.TomlConfigSettingsSource._read_file", refuse)
    (tmp_path / "haichieu.toml").write_text('language = "en"\n')
    assert command_language(tmp_path) == "vi"
    with pytest.raises(SettingsError, match="cannot be read: Permission denied"):
        load_settings(home=tmp_path)


def test_command_prints_one_language(tmp_path: Path) -> None:
    home = ("--home", str(tmp_path))
    assert haichieu("token", "list", *home, language="en").stdout == "No tokens yet.\n"
    assert haichieu("token", "list", *home, language="vi").stdout == "Chưa có mã truy cập nào.\n"
    refused = haichieu("apply", str(tmp_path / "none.toml"), *home, language="vi")
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (2, "1 lỗi. Không có gì được thay đổi.")


def test_times_are_in_the_station_time_zone_and_in_the_language(tmp_path: Path) -> None:
    home = ("--home", str(tmp_path))
    at = datetime.datetime(2026, 11, 24, 20, 30, 5, tzinfo=datetime.UTC)
    with open_station(load_settings(home=tmp_path)).database.session() as session:
        session.add(AuditEntry(at=at, actor="x", action="a.b", subject="c:1", detail={}))
    with mock.patch.dict(os.environ, {"COLUMNS": "200"}):
        assert "25/11/2026 03:30:05" in haichieu("audit", "list", *home, language="vi").stdout
        assert "25 Nov 2026 03:30:05" in haichieu("audit", "list", *home, language="en").stdout


def test_data_is_neither_markup_nor_emoji(tmp_path: Path) -> None:
    odd = "16:8A:AB:4B [/bold] [red]loa[/]"
    with open_station(load_settings(home=tmp_path)).database.session() as session:
        session.add(AuditEntry(at=datetime.datetime.now(datetime.UTC), actor=odd, action="a", subject="b", detail={}))
        unit = Unit(code="CB", name="Cô Ba", level="commune")
        session.add(unit)
        session.add(Speaker(code="cb-1", name=odd, unit=unit, password_locked="", multicast="239.1.2.3:5004"))
    with mock.patch.dict(os.environ, {"COLUMNS": "200"}):
        assert odd in haichieu("audit", "list", "--home", str(tmp_path)).stdout
        assert odd in haichieu("status", "--home", str(tmp_path)).stdout


def test_help_follows_the_home_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "haichieu.toml").write_text('language = "en"\n')
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAICHIEU_")}

    def helped(*arguments: str) -> str:
        command = [sys.executable, "-m", "haichieu", "up", *arguments, "--help"]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    assert "Start the whole station" in helped("--home", str(tmp_path))
    assert "Chạy cả đài" in helped(f"--home={tmp_path / 'other'}")


def test_status_shows_moments_in_the_zone_of_the_station(tmp_path: Path) -> None:
    station = open_station(load_settings(home=tmp_path))
    at = datetime.datetime(2026, 3, 1, 20, 0, tzinfo=datetime.UTC)
    with station.database.session() as session:
        session.merge(the_station(session)).timezone = "Asia/Tokyo"
        unit = Unit(code="X", name="Xã", level="commune")
        session.add(Speaker(code="cb-1", name="Loa", unit=unit, reachable=True, reachable_since=at))
        raise_alarm(session, AlarmKind.SCHEDULE_MISSED, "schedule:1", message("cli.status.since", at=at))
    shown = haichieu("status", "--home", str(tmp_path), language="en").stdout
    assert shown.count("2 Mar 2026 05:00") == 2
    status = json.loads(haichieu("status", "--json", "--home", str(tmp_path), language="en").stdout)
    assert status["speakers"][0]["since"] == "2026-03-02T05:00:00+09:00"
    assert status["alarms"][0].endswith("2026 05:00")


def test_english_output_has_no_vietnamese(tmp_path: Path) -> None:
    for command in (["status", "--home", str(tmp_path)], ["alert", "list", "--home", str(tmp_path)]):
        shown = haichieu(*command, language="en")
        assert not re.search("[ăâđêôơư\u1ea0-\u1ef9]", shown.stdout + shown.stderr, re.IGNORECASE), command


def test_no_command_that_reads_demands_an_account() -> None:
    """The option `--by` names the account that acts: commands that change or hand out data demand it."""
    for group in ("alert", "audit", "token"):
        assert "--by" not in haichieu(group, "list", "--help", language="en").stdout
