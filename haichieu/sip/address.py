"""Addresses of a SIP server: `HOST:PORT` as typed, the resolved address, and the local address towards it."""

import re
import socket
from dataclasses import dataclass

from haichieu.errors import EnvironmentProblem, UsageError

SIP_PORT = 5060
SIP_TLS_PORT = 5061

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class BadServerAddress(UsageError):
    """The text is not HOST:PORT."""


class ServerNotFound(EnvironmentProblem):
    """The name of the server has no address, or no network leads there, at least at this moment."""


@dataclass(frozen=True)
class SocketAddress:
    """An IPv4 address and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"{self.ip}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "SocketAddress":
        """Parse `IP:PORT` as pjsip writes it; the default is SIP's port."""
        ip, _, port = text.partition(":")
        return cls(ip, int(port) if port.isdigit() else SIP_PORT)


@dataclass(frozen=True)
class ServerAddress:
    """A SIP server by name or IPv4 address, and its port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str, default_port: int = SIP_PORT) -> "ServerAddress":
        """Take `HOST:PORT`, or `HOST` alone for the default port. Raises BadServerAddress."""
        host, colon, port = text.partition(":")
        number = int(port) if re.fullmatch(r"[0-9]{1,5}", port) else 0
        if not colon:
            number = default_port
        if not _HOST.fullmatch(host) or not 1 <= number <= 65535:
            raise BadServerAddress("sip.bad_address", text=text)
        return cls(host, number)

    def resolve(self) -> SocketAddress:
        """Return the server's current IPv4 address. Raises ServerNotFound."""
        try:
            found = socket.getaddrinfo(self.host, self.port, socket.AF_INET, socket.SOCK_DGRAM)
        except OSError as problem:
            raise ServerNotFound("sip.no_server", host=self.host, why=problem.strerror or str(problem)) from problem
        return SocketAddress(str(found[0][4][0]), self.port)


def local_address_towards(server: SocketAddress) -> str:
    """Return the local IPv4 address of packets to `server`, without sending any. Raises ServerNotFound."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((server.ip, server.port))
        except OSError as problem:
            raise ServerNotFound("sip.no_route", server=str(server), why=problem.strerror or str(problem)) from problem
        return str(probe.getsockname()[0])
