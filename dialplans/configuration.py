"""Writes all that Asterisk reads into the station's home, from templates and settings."""

import contextlib
import os
import secrets
import socket
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template

from dialplans import modules
from dialplans.accounts import REALM
from dialplans.installation import Installation
from haichieu.ari.client import APPLICATION, USER
from haichieu.errors import EnvironmentProblem
from haichieu.settings import Settings
from haichieu.vault import station_secret

FOLDERS = ("etc", "lib", "log", "run", "spool/recording", "spool/emergency", "spool/tmp")
FILES = (
    *("asterisk.conf", "modules.conf", "http.conf", "ari.conf", "pjsip.conf", "sorcery.conf", "rtp.conf"),
    *("logger.conf", "extensions.conf", "indications.conf", "stasis.conf"),
)
DEFAULTS = (
    *("cdr.conf", "cel.conf", "features.conf", "ccss.conf", "confbridge.conf", "udptl.conf"),
    *("acl.conf", "pjproject.conf", "websocket_client.conf", "manager.conf"),
)
"""Files that Asterisk misses aloud although their defaults are what we want."""


class PortTaken(EnvironmentProblem):
    """Somebody else, perhaps another station, listens on one of our ports."""

    def __init__(self, kind: str, port: int, setting: str) -> None:
        super().__init__(
            f"Cổng {kind} {port} đang có chương trình khác dùng (có thể là một đài khác): "
            f"đặt {setting} sang cổng khác. / The {kind} port {port} is in use, perhaps by another station: "
            f"set {setting} to another one."
        )


class HomeNotWritable(EnvironmentProblem):
    """The station's home cannot be written to."""

    def __init__(self, home: Path, why: str) -> None:
        super().__init__(
            f"Không ghi được vào thư mục của đài {home}: {why}. / The station's home {home} cannot be written "
            f"to: {why}. Choose another with HAICHIEU_HOME or --home."
        )


def write_configuration(settings: Settings, installation: Installation) -> Path:
    """Write Asterisk's configuration for this station and return the path of its main file.

    The emergency line's own file, `degraded.conf`, is written by `degraded` and left as it is here.
    Raises HomeNotWritable.
    """
    check_home(settings)
    home = settings.home.absolute()
    for folder in FOLDERS:
        (home / folder).mkdir(parents=True, exist_ok=True)
    values = _values(settings, installation)
    for name in FILES:
        write_secretly(home / "etc" / name, render(name, values))
    for name in DEFAULTS:
        write_secretly(home / "etc" / name, render("defaults.conf", {}))
    return home / "etc" / "asterisk.conf"


def render(template: str, values: Mapping[str, object]) -> str:
    """Fill in a template of this room; a name that is missing is an error of ours, never an empty value."""
    text = (resources.files("dialplans") / "templates" / template).read_text("utf-8")
    return Template(text).substitute(values)


def write_secretly(path: Path, text: str) -> None:
    """Write a file that only the station's user may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def ari_password(settings: Settings) -> str:
    """Return the password of ARI: as set, else one made once for this home."""
    if settings.ari_password:
        return settings.ari_password
    return station_secret(settings.home.absolute(), "ari-password", _new_password).decode()


def _new_password() -> bytes:
    return secrets.token_hex(24).encode()


def spool_folder(settings: Settings) -> Path:
    """Where Asterisk leaves recordings."""
    return settings.home.absolute() / "spool"


def check_home(settings: Settings) -> None:
    """Raise HomeNotWritable when the station could not keep anything."""
    home = settings.home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise HomeNotWritable(home, problem.strerror or str(problem)) from problem


def check_ports(settings: Settings) -> None:
    """Raise PortTaken when a port of the station is in use, naming the setting that moves it."""
    for kind, host, port, setting in (
        ("UDP", settings.bind, settings.sip_port, "HAICHIEU_SIP_PORT"),
        ("TCP", settings.ari_host, settings.ari_port, "HAICHIEU_ARI_PORT"),
        ("TCP", settings.bind, settings.web_port, "HAICHIEU_WEB_PORT"),
    ):
        with contextlib.closing(
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "UDP" else socket.SOCK_STREAM)
        ) as probe:
            if kind == "TCP":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as problem:
                raise PortTaken(kind, port, setting) from problem


def _values(settings: Settings, installation: Installation) -> dict[str, object]:
    first, last = settings.rtp_range
    external = ""
    if settings.external_address:
        address = settings.external_address
        external = (
            f"external_signaling_address = {address}\nexternal_media_address = {address}\n"
            "local_net = 10.0.0.0/8\nlocal_net = 172.16.0.0/12\nlocal_net = 192.168.0.0/16\nlocal_net = 127.0.0.0/8"
        )
    return {
        "home": settings.home.absolute(),
        "modules": installation.modules,
        "load_lines": _load_lines(installation),
        "data": installation.data,
        "application": APPLICATION,
        "ari_user": USER,
        "ari_password": ari_password(settings),
        "ari_host": settings.ari_host,
        "ari_port": settings.ari_port,
        "bind": settings.bind,
        "sip_port": settings.sip_port,
        "external": external,
        "realm": REALM,
        "rtp_first": first,
        "rtp_last": last,
    }


def _load_lines(installation: Installation) -> str:
    optional = [name for name in modules.IF_PRESENT if (installation.modules / f"{name}.so").exists()]
    return "\n".join(f"load = {name}.so" for name in (*modules.REQUIRED, *optional))
