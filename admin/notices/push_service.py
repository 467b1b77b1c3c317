"""HTTP to push services. Endpoints come from browsers and are hostile input: only HTTPS to public hosts."""

import datetime
import ipaddress
import socket
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from haichieu.errors import HaiChieuError, UsageError

LONGEST_ENDPOINT = 1000
ANSWER_SECONDS = 20.0
LONGEST_WAIT = datetime.timedelta(hours=1)
"""A push service that asks for more is asked again after this."""


class UnsafeEndpoint(UsageError):
    """The address is not HTTPS on the standard port of a public host."""


class PushServiceAway(HaiChieuError):
    """The push service cannot be reached now."""


@dataclass(frozen=True)
class Answer:
    """The answer of a push service; `wait` is its `Retry-After`, if it names seconds."""

    status: int
    wait: datetime.timedelta | None = None


class PushService(Protocol):
    """What sends a push."""

    async def post(self, endpoint: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send it. Raises PushServiceAway or UnsafeEndpoint."""


def require_public_endpoint(endpoint: str) -> None:
    """Raise UnsafeEndpoint for anything but `https://host/…`; the addresses of the host are checked when it is used."""
    refusal = UnsafeEndpoint("push.unsafe_endpoint")
    if len(endpoint) > LONGEST_ENDPOINT or not endpoint.isascii() or not endpoint.isprintable() or " " in endpoint:
        raise refusal
    try:
        where = urlsplit(endpoint)
        host, port = where.hostname or "", where.port
    except ValueError as problem:
        raise refusal from problem
    if where.scheme != "https" or "@" in where.netloc or "\\" in endpoint or port not in (None, 443):
        raise refusal
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if "." not in host or host.rpartition(".")[2].isdigit() or host.endswith("."):
            raise refusal from None  # not a host name, or an old way to write an address
        return
    if not is_public(address):
        raise refusal


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Return whether an address is one of a single host in the public Internet, and carries no other inside."""
    if isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped or address.sixtofour or address.teredo or address in _TRANSLATED
    ):
        return False
    return address.is_global and not address.is_multicast


_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


class PublicPushService:
    """Sends pushes over the Internet. It follows no redirect, uses no proxy, and reads no body."""

    async def post(self, endpoint: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send a push. Raises PushServiceAway or UnsafeEndpoint."""
        require_public_endpoint(endpoint)
        connector = aiohttp.TCPConnector(resolver=PublicAddresses(DefaultResolver()))
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as client:
            return await post_with(client, endpoint, headers, body)


async def post_with(client: aiohttp.ClientSession, endpoint: str, headers: dict[str, str], body: bytes) -> Answer:
    """Send a push with this client. Raises PushServiceAway."""
    try:
        async with client.post(endpoint, data=body, headers=headers, allow_redirects=False) as answer:
            return Answer(answer.status, _seconds(answer.headers.get("Retry-After", "")))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as problem:
        raise PushServiceAway("push.service_away", problem=type(problem).__name__) from problem


class PublicAddresses(AbstractResolver):
    """Resolver of host names that knows only public addresses: the name of a stranger may lead into our network."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the public addresses. Raises UnsafeEndpoint when there are only others."""
        found = await self._resolver.resolve(host, port, family)
        public = [one for one in found if is_public(ipaddress.ip_address(one["host"].partition("%")[0]))]
        if found and not public:
            raise UnsafeEndpoint("push.unsafe_endpoint")
        return public

    async def close(self) -> None:
        """Close the resolver."""
        await self._resolver.close()


def _seconds(wait: str) -> datetime.timedelta | None:
    if not (wait.isascii() and wait.isdigit() and len(wait) < 8):
        return None
    return min(datetime.timedelta(seconds=int(wait)), LONGEST_WAIT)
