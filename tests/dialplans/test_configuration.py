"""What is written into a station's home for Asterisk."""

import re
import socket
import stat
from pathlib import Path

import pytest

from dialplans.configuration import (
    FOLDERS,
    HomeNotWritable,
    PortTaken,
    as_value,
    check_ports,
    write_configuration,
)
from dialplans.installation import Installation
from haichieu.cli.trial_station import free_ports
from haichieu.errors import SettingsError
from haichieu.settings import Settings, load_settings

ELSEWHERE = Installation((), "22", Path("/nowhere/modules"), Path("/nowhere/data"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a station that has never run."""
    return load_settings(home=tmp_path / "home", **free_ports())


def test_every_file_is_written_whole_and_for_the_stations_user_only(settings: Settings) -> None:
    written = write_configuration(settings, ELSEWHERE).parent
    files = list(written.iterdir())
    assert "pjsip.conf" in {file.name for file in files}
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
        # What is left of `$name` would be a value that nobody filled in; `${…}` is Asterisk's own.
        assert not re.search(r"\$[a-z_]", file.read_text()), file.name
    for folder in FOLDERS:
        assert stat.S_IMODE((settings.home / folder.partition("/")[0]).stat().st_mode) == 0o700


def test_accounts_and_the_emergency_line_of_an_earlier_run_are_kept(settings: Settings) -> None:
    etc = write_configuration(settings, ELSEWHERE).parent
    (etc / "pjsip_accounts.conf").write_text("; accounts")
    (etc / "degraded.conf").write_text("; emergency")
    write_configuration(settings, ELSEWHERE)
    assert (etc / "pjsip_accounts.conf").read_text() == "; accounts"
    assert (etc / "degraded.conf").read_text() == "; emergency"


def test_a_home_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeNotWritable, match="HAICHIEU_HOME"):
        write_configuration(load_settings(home=tmp_path / "file" / "home"), ELSEWHERE)


@pytest.mark.parametrize(
    ("setting", "kind"),
    [
        ("sip_port", socket.SOCK_DGRAM),
        ("ari_port", socket.SOCK_STREAM),
        ("web_port", socket.SOCK_STREAM),
    ],
)
def test_a_port_in_use_is_named_with_its_setting(settings: Settings, setting: str, kind: socket.SocketKind) -> None:
    port = getattr(settings, setting)
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind((settings.bind, port))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        with pytest.raises(PortTaken, match=f"{port}.*HAICHIEU_{setting.upper()}"):
            check_ports(settings, patience=0)
    check_ports(settings, patience=0)


def test_a_value_cannot_begin_a_comment_or_a_line() -> None:
    assert as_value("a;b") == r"a\;b"
    with pytest.raises(SettingsError):
        as_value("a\nb = c")
