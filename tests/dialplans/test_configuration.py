"""Asterisk's configuration: its content, its permissions, and what is refused before anything starts."""

import re
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest

from dialplans.account_file import AccountFile
from dialplans.accounts import DynamicObject
from dialplans.configuration import (
    AddressNotOurs,
    PortTaken,
    ari_password,
    check_home,
    check_ports,
    write_configuration,
)
from dialplans.degraded import DegradedMode, DegradedSounds, degraded_dialplan, write_degraded
from dialplans.installation import Installation
from haichieu.demo.trial_station import free_port, free_ports
from haichieu.errors import SettingsError
from haichieu.home import HomeNotWritable
from haichieu.process_control import MOST_OPEN_FILES
from haichieu.settings import Settings, load_settings
from tests.lone_asterisk import lone_asterisk

NOWHERE = Installation((), "", Path("/nowhere/modules"), Path("/nowhere/data"))
SOUNDS = DegradedSounds(*["beep"] * 9)
KEY = "0123456789abcdef"


def settings_for(home: Path, **given: str | int) -> Settings:
    return load_settings(home=home, **{**free_ports(), **given})


def test_only_the_station_user_can_read_the_configuration(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "home")
    write_configuration(settings, NOWHERE, files=MOST_OPEN_FILES)
    write_degraded(settings, DegradedMode("1999", "971357", (), SOUNDS))
    home = settings.home
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home / "etc").iterdir()} == {0o600}
    for folder in ("etc", "lib", "log", "run", "spool", "secrets"):
        assert stat.S_IMODE((home / folder).stat().st_mode) == 0o700


def test_ari_password_is_generated_once_per_station(tmp_path: Path) -> None:
    one, other = settings_for(tmp_path / "one"), settings_for(tmp_path / "other")
    assert ari_password(one) == ari_password(one) != ari_password(other)
    assert len(ari_password(one)) >= 32


async def test_ari_password_with_special_characters_works(tmp_path: Path) -> None:
    async with lone_asterisk(tmp_path, ari_password="a;b=>c#d") as asterisk:
        assert await asterisk.ari("GET", "/asterisk/ping")


def test_value_with_a_line_break_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        write_configuration(
            settings_for(tmp_path, ari_password="a\n[other]\ntype=user"), NOWHERE, files=MOST_OPEN_FILES
        )
    with pytest.raises(SettingsError):
        AccountFile(tmp_path).write([DynamicObject("auth", "x", {"username": "x\n[y]"})])


@pytest.mark.parametrize(
    ("kind", "name", "setting"),
    [
        (socket.SOCK_DGRAM, "sip_port", "HAICHIEU_SIP_PORT"),
        (socket.SOCK_STREAM, "sip_port", "HAICHIEU_SIP_PORT"),
        (socket.SOCK_STREAM, "sip_tls_port", "HAICHIEU_SIP_TLS_PORT"),
        (socket.SOCK_STREAM, "ari_port", "HAICHIEU_ARI_PORT"),
        (socket.SOCK_STREAM, "web_port", "HAICHIEU_WEB_PORT"),
    ],
)
def test_port_of_another_station_is_named_with_its_setting(
    tmp_path: Path, kind: socket.SocketKind, name: str, setting: str
) -> None:
    with closing(socket.socket(socket.AF_INET, kind)) as taken:
        port = free_port(kind)
        taken.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        with pytest.raises(PortTaken, match=rf"{port}.*{setting}"):
            check_ports(settings_for(tmp_path, **{name: port}), patience=0)
    check_ports(settings_for(tmp_path, **{name: port}), patience=0)


async def test_asterisk_makes_no_records_of_calls(tmp_path: Path) -> None:
    async with lone_asterisk(tmp_path) as asterisk:
        assert re.search(r"Logging: +Disabled", await asterisk.command("cdr show status"))


async def test_incoming_calls_are_fewer_than_there_are_rtp_ports(tmp_path: Path) -> None:
    async with lone_asterisk(tmp_path, rtp_ports="30000-30199") as asterisk:
        shown = await asterisk.command("core show settings")
    assert re.search(r"Maximum calls: +12 ", shown)


def test_fan_out_gets_the_end_of_the_rtp_ports_and_the_copies_of_sip(tmp_path: Path) -> None:
    for is_on in (False, True):
        settings = settings_for(tmp_path, fan_out=is_on, rtp_ports="20000-20999", fan_out_port=5070)
        write_configuration(settings, NOWHERE, files=MOST_OPEN_FILES)
        etc = tmp_path / "etc"
        assert f"rtpend = {20997 if is_on else 20999}\n" in (etc / "rtp.conf").read_text()
        assert f"enabled = {'yes' if is_on else 'no'}\n" in (etc / "hep.conf").read_text()
        assert ("res_hep_pjsip" in (etc / "modules.conf").read_text()) is is_on
    assert settings.fan_out_rtp_port == 20998
    assert "capture_address = 127.0.0.1:5070" in (etc / "hep.conf").read_text()


@pytest.mark.parametrize(("ports", "first"), [("20000-20999", 20998), ("20001-21000", 20998), ("20000-20199", 20198)])
def test_ports_of_the_fan_out_are_an_even_pair(tmp_path: Path, ports: str, first: int) -> None:
    assert settings_for(tmp_path, fan_out=True, rtp_ports=ports).fan_out_rtp_port == first


def test_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AddressNotOurs, match=r"192\.0\.2\.1"):
        check_ports(settings_for(tmp_path, bind="192.0.2.1"), patience=0)


@pytest.mark.parametrize("place", ["file/home", "/proc/home"])
def test_read_only_home_is_refused_by_name(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    settings = settings_for(tmp_path / place)
    for refuse in (check_home, lambda settings: write_configuration(settings, NOWHERE, files=MOST_OPEN_FILES)):
        with pytest.raises(HomeNotWritable, match="HAICHIEU_HOME"):
            refuse(settings)
    with pytest.raises(HomeNotWritable):
        write_degraded(settings, DegradedMode("1999", "971357", (), SOUNDS))


@pytest.mark.parametrize(
    ("number", "pin"), [("", "1"), ("1999", ""), ("1999", '1"]?right)'), ("19x9", "1"), ("1999", "١٢٣٤")]
)
def test_emergency_line_needs_a_number_and_a_pin(number: str, pin: str) -> None:
    text = degraded_dialplan(DegradedMode(number, pin, ("PJSIP/a",), SOUNDS), SOUNDS, Path("/home"), KEY)
    assert "emergency-line" not in text


def test_unsafe_destination_is_left_out() -> None:
    hostile = ("PJSIP/a)\n same => n,System(reboot", "PJSIP/b&Local/x@y", "PJSIP/c,d", "PJSIP/${X}", "PJSIP/good")
    text = degraded_dialplan(DegradedMode("1999", "1234", hostile, SOUNDS), SOUNDS, Path("/home"), KEY)
    assert "Page(PJSIP/good,ib(auto-answer^s^1))" in text
    assert "reboot" not in text


def test_degraded_sounds_are_copied_or_replaced_by_built_in_ones(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "home")
    for form in (".wav", ".wav16"):
        (tmp_path / f"ask{form}").write_text(form)
    sounds = DegradedSounds("beep", str(tmp_path / "ask"), str(tmp_path / "missing"), *["beep"] * 6)
    mode = DegradedMode("1999", "1234", ("PJSIP/a",), sounds)
    assert write_degraded(settings, mode) is True
    (tmp_path / "ask.wav").unlink()
    (tmp_path / "ask.wav16").unlink()
    assert write_degraded(settings, mode) is False

    kept = settings.home / "lib/degraded/ask_pin"
    text = (settings.home / "etc/degraded.conf").read_text()
    assert f"Set(QUESTION={kept})" in text
    assert f"Set(QUESTION=vm-incorrect&{kept})" in text
    assert [kept.with_suffix(form).read_text() for form in (".wav", ".wav16")] == [".wav", ".wav16"]
