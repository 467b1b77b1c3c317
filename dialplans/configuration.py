"""Asterisk's configuration, written into the station's home from templates and settings."""

import contextlib
import errno
import os
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from string import Template

from dialplans import left_texts, modules
from dialplans.accounts import CLEAR_DOMAIN, REALM
from dialplans.carrier_certificates import authorities, authorities_file
from dialplans.installation import Installation
from dialplans.sealed import caller_key
from haichieu.ari import sign_of_life
from haichieu.ari.client import APPLICATION, USER
from haichieu.ari.outgoing_lines import shared_out
from haichieu.errors import EnvironmentProblem, SettingsError
from haichieu.home import HomeNotWritable
from haichieu.settings import Settings
from haichieu.sip.certificate import certificate_files
from haichieu.vault import station_secret

FOLDERS = (
    *("etc", "lib", "log", "run", "spool/recording", "spool/emergency", "spool/messages", "spool/tmp"),
    left_texts.FOLDER,
)
FILES = (
    *("asterisk.conf", "modules.conf", "http.conf", "ari.conf", "pjsip.conf", "sorcery.conf", "rtp.conf"),
    *("prometheus.conf", "logger.conf", "extensions.conf", "texts.conf", "indications.conf", "stasis.conf"),
    *("hep.conf", "cdr.conf"),
)
DEFAULTS = (
    *("cel.conf", "features.conf", "ccss.conf", "confbridge.conf", "udptl.conf"),
    *("acl.conf", "pjproject.conf", "websocket_client.conf", "manager.conf"),
)
"""Files whose absence Asterisk reports, although we use their defaults."""

ACCOUNTS = "pjsip_accounts.conf"
PATIENCE_SECONDS = 4.0


class PortTaken(EnvironmentProblem):
    """Another program, perhaps another station, listens on one of our ports."""

    def __init__(self, kind: str, port: int, setting: str) -> None:
        super().__init__("asterisk.port_taken", kind=kind, port=port, setting=setting)


class AddressNotOurs(EnvironmentProblem):
    """The station cannot listen on the configured address."""

    def __init__(self, address: str, port: int, why: str) -> None:
        super().__init__("asterisk.address_not_ours", address=address, port=port, why=why)


def write_configuration(settings: Settings, installation: Installation, *, files: int) -> Path:
    """Write Asterisk's configuration for this station and return the path of its main file.

    The files that the switchboard writes for Asterisk's next start stay unchanged: the accounts (see `account_file`),
    the authorities of carriers (see `carrier_certificates`) and the emergency line (see `degraded`). `files` is the
    limit of its open files.
    Raises HomeNotWritable, CertificateNotUsable.
    """
    check_home(settings)
    home = settings.home.absolute()
    values = _values(settings, installation, files)
    try:
        for folder in FOLDERS:
            (home / folder).mkdir(parents=True, exist_ok=True)
            # Voices, callers' numbers and account digests: Asterisk itself would make them world-readable.
            (home / folder.partition("/")[0]).chmod(0o700)
        for name in FILES:
            write_secretly(home / "etc" / name, render(name, values))
        for name in DEFAULTS:
            write_secretly(home / "etc" / name, render("defaults.conf", {}))
        if not (home / "etc" / ACCOUNTS).exists():
            write_secretly(home / "etc" / ACCOUNTS, "; No account was ever pushed.\n")
        if not authorities_file(home).exists():
            write_authorities(settings, ())
    except OSError as problem:
        raise HomeNotWritable(home, problem.strerror or str(problem)) from problem
    return home / "etc" / "asterisk.conf"


def render(template: str, values: Mapping[str, object]) -> str:
    """Fill in a template of this room. Raises KeyError for a missing name."""
    text = (resources.files("dialplans") / "templates" / template).read_text("utf-8")
    return Template(text).substitute(values)


def as_value(text: str) -> str:
    """Return text as a value of Asterisk's files, where a semicolon starts a comment and a line break the next value.

    Raises SettingsError for control characters.
    """
    if not text.isprintable():
        raise SettingsError("asterisk.control_character", text=repr(text))
    return text.replace(";", "\\;")


def write_secretly(path: Path, text: str) -> None:
    """Write a file atomically that only the station's user may read."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def write_authorities(settings: Settings, of_trunks: Iterable[str]) -> None:
    """Write the certificates that carriers are verified by; see `carrier_certificates.authorities`."""
    file = authorities_file(settings.home)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_secretly(file, authorities(settings, of_trunks))


def ari_password(settings: Settings) -> str:
    """Return the password of ARI: the setting, else one generated once for this home."""
    if settings.ari_password:
        return settings.ari_password
    return station_secret(settings.home.absolute(), "ari-password", _new_password).decode()


def _new_password() -> bytes:
    return secrets.token_hex(24).encode()


def spool_folder(settings: Settings) -> Path:
    """Return the folder of Asterisk's recordings."""
    return settings.home.absolute() / "spool"


def check_home(settings: Settings) -> None:
    """Raise HomeNotWritable when the home cannot be written to."""
    home = settings.home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise HomeNotWritable(home, problem.strerror or str(problem)) from problem


def check_ports(settings: Settings, patience: float = PATIENCE_SECONDS) -> None:
    """Raise PortTaken or AddressNotOurs when the station could not listen, naming the setting to change.

    A port in use is checked again for `patience` seconds: an Asterisk whose supervisor was killed needs a moment to
    exit.
    """
    check_asterisk_ports(settings, patience)
    fan_out = (socket.SOCK_DGRAM, "127.0.0.1", settings.fan_out_port, "HAICHIEU_FAN_OUT_PORT")
    web = (socket.SOCK_STREAM, settings.bind, settings.web_port, "HAICHIEU_WEB_PORT")
    _check((web, fan_out) if settings.fan_out else (web,), patience)


def check_asterisk_ports(settings: Settings, patience: float = PATIENCE_SECONDS) -> None:
    """As `check_ports`, for Asterisk's ports only."""
    listeners = (
        (socket.SOCK_DGRAM, settings.bind, settings.sip_port, "HAICHIEU_SIP_PORT"),
        (socket.SOCK_STREAM, settings.bind, settings.sip_port, "HAICHIEU_SIP_PORT"),
        (socket.SOCK_STREAM, settings.bind, settings.sip_tls_port, "HAICHIEU_SIP_TLS_PORT"),
        (socket.SOCK_STREAM, settings.ari_host, settings.ari_port, "HAICHIEU_ARI_PORT"),
    )
    _check(listeners, patience)


def _check(listeners: Iterable[tuple[socket.SocketKind, str, int, str]], patience: float) -> None:
    deadline = time.monotonic() + patience
    for kind, address, port, setting in listeners:
        while (problem := _why_not(kind, address, port)) is not None:
            if problem.errno != errno.EADDRINUSE:
                raise AddressNotOurs(address, port, problem.strerror or str(problem)) from problem
            if time.monotonic() > deadline:
                raise PortTaken("UDP" if kind == socket.SOCK_DGRAM else "TCP", port, setting) from problem
            time.sleep(0.1)


def _why_not(kind: socket.SocketKind, address: str, port: int) -> OSError | None:
    """Return why listening there fails, None when it works."""
    with contextlib.closing(socket.socket(socket.AF_INET, kind)) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as problem:
            return problem
    return None


def _values(settings: Settings, installation: Installation, files: int) -> dict[str, object]:
    first, last = settings.rtp_range
    certificate, home = certificate_files(settings), settings.home.absolute()
    external = ""
    if settings.external_address:
        address = settings.external_address
        external = (
            f"external_signaling_address = {address}\nexternal_media_address = {address}\n"
            "local_net = 10.0.0.0/8\nlocal_net = 172.16.0.0/12\nlocal_net = 192.168.0.0/16\nlocal_net = 127.0.0.0/8"
        )
    return {
        "home": home,
        "modules": installation.modules,
        "load_lines": _load_lines(installation, captures=settings.fan_out),
        "data": installation.data,
        "application": APPLICATION,
        "sign_of_life": sign_of_life.VARIABLE,
        "valid_seconds": sign_of_life.VALID_SECONDS,
        "ari_user": USER,
        "ari_password": as_value(ari_password(settings)),
        "ari_host": settings.ari_host,
        "ari_port": settings.ari_port,
        "bind": settings.bind,
        "sip_port": settings.sip_port,
        "sip_tls_port": settings.sip_tls_port,
        "certificate": as_value(str(certificate.certificate)),
        "key_of_certificate": as_value(str(certificate.key)),
        "verify_carriers": _yes(settings.verify_carriers),
        "authorities": as_value(str(authorities_file(home))),
        "clear_domain": CLEAR_DOMAIN,
        "external": external,
        "realm": REALM,
        "rtp_first": first,
        "rtp_last": settings.fan_out_rtp_port - 1 if settings.fan_out else last,
        "most_incoming": shared_out(settings.rtp_pairs, files)[0],
        "captures": _yes(settings.fan_out),
        "fan_out_port": settings.fan_out_port,
        "capture_password": fan_out_password(settings) if settings.fan_out else "",
        "texts": settings.home.absolute() / left_texts.FOLDER,
        "colon": left_texts.COLON,
        "key": caller_key(settings.home.absolute()),
        "most_of_phones": left_texts.MOST_A_MINUTE["phone"],
        "most_of_trunks": left_texts.MOST_A_MINUTE["trunk"],
    }


def fan_out_password(settings: Settings) -> str:
    """Return the secret that Asterisk adds to the copies of SIP messages for the fan-out."""
    return station_secret(settings.home.absolute(), "fan-out-password", _new_password).decode()


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _load_lines(installation: Installation, *, captures: bool) -> str:
    # Modules in another container cannot be checked; Asterisk skips missing ones.
    elsewhere = not installation.modules.is_dir()
    optional = [name for name in modules.IF_PRESENT if elsewhere or (installation.modules / f"{name}.so").exists()]
    wanted = (*modules.REQUIRED, *optional, *(modules.CAPTURE if captures else ()))
    return "\n".join(f"load = {name}.so" for name in wanted)
