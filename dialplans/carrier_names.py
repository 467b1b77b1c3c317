"""Names of carriers in DNS: addresses behind NAPTR, SRV and A records, stored in the rows of trunks.

Asterisk asks DNS itself for each request that it sends (RFC 3263), and fails over when it has waited for 32 s. What it
asks only once, when an account is pushed, is which addresses calls come from; and a call cannot wait for 32 s.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from dialplans.accounts import trunk_names
from haichieu.database import Database
from haichieu.sip.models import Trunk

if TYPE_CHECKING:
    from dns.resolver import Resolver

log = structlog.get_logger()

EVERY_SECONDS = 60.0
TIMEOUT_SECONDS = 5.0
MOST_ADDRESSES = 8
"""Of one name; a call tries each of them at most once."""

_SERVICES = {"udp": ("sip+d2u", "_sip._udp"), "tcp": ("sip+d2t", "_sip._tcp"), "tls": ("sips+d2t", "_sips._tcp")}
"""Service of NAPTR records, and prefix of SRV records, by transport (RFC 3263 §4.1, §4.2)."""

Found = dict[str, list[str]]


class CarrierNames:
    """Keeps `Trunk.found` equal to what DNS says, on the machine where calls arrive."""

    def __init__(self, database: Database, resolver: "Callable[[], Resolver] | None" = None) -> None:
        """`resolver` makes what asks the servers; those of the system by default."""
        self._database = database
        self._resolver = resolver or _system_resolver

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Look each name up once, and store what has changed."""
        names = await self._database.look(_names)
        if not names:
            return
        found = await asyncio.to_thread(self._found, names)
        # Nothing is written while nothing changes: a write wakes every process.
        if await self._database.look(lambda session: bool(_changes(session, found))):
            await self._database.run(lambda session: _store(session, found))

    def _found(self, names: Mapping[str, tuple[str, Iterable[str]]]) -> dict[str, Found]:
        resolver = self._resolver()
        found: dict[str, Found] = {}
        for code, (transport, ours) in names.items():
            found[code] = {}
            for name in ours:
                addresses = addresses_of(resolver, name, transport)
                if addresses is None:
                    log.warning("carrier.dns_silent", trunk=code, name=name)
                found[code][name] = addresses or []
        return found


def addresses_of(resolver: "Resolver", name: str, transport: str) -> list[str] | None:
    """Return the addresses of a carrier's HOST or HOST:PORT in the order in which they are tried.

    The list is empty if there are none, and None if no DNS server answers. SRV records count only without a port (RFC
    3263 §4.2). Those of one priority are in the order of weight, the same each time.
    """
    from dns.exception import DNSException

    try:
        return _look_up(resolver, name, transport)
    except DNSException:
        return None


def _look_up(resolver: "Resolver", name: str, transport: str) -> list[str]:
    host, _, port = name.partition(":")
    if port:
        return [f"{address}:{port}" for address in _hosts(resolver, host)][:MOST_ADDRESSES]
    service, prefix = _SERVICES[transport]
    records = [
        record
        for srv in _srv_names(resolver, host, service) or [f"{prefix}.{host}"]
        for record in sorted(_ask(resolver, srv, "SRV"), key=lambda srv: (srv.priority, -srv.weight, str(srv.target)))
    ]
    targets = [
        f"{address}:{record.port}"
        for record in records
        if str(record.target) != "."
        for address in _hosts(resolver, str(record.target))
    ]
    return list(dict.fromkeys(targets if records else _hosts(resolver, host)))[:MOST_ADDRESSES]


def _srv_names(resolver: "Resolver", host: str, service: str) -> list[str]:
    """Return the names of SRV records that NAPTR records give for a transport."""
    records = [
        record
        for record in _ask(resolver, host, "NAPTR")
        if (record.service.lower(), record.flags.lower()) == (service.encode(), b"s")
    ]
    return [str(one.replacement) for one in sorted(records, key=lambda record: (record.order, record.preference))]


def _hosts(resolver: "Resolver", host: str) -> list[str]:
    return sorted(record.address for record in _ask(resolver, host, "A"))


def _ask(resolver: "Resolver", name: str, kind: str) -> list:  # type: ignore[type-arg]  # a class for each kind
    from dns.resolver import NXDOMAIN

    try:
        return list(resolver.resolve(name, kind, raise_on_no_answer=False, lifetime=TIMEOUT_SECONDS).rrset or ())
    except NXDOMAIN:
        return []


def _system_resolver() -> "Resolver":
    from dns.resolver import Resolver  # slow to import, and needed for carriers with a name only

    return Resolver()


def _names(session: Session) -> dict[str, tuple[str, list[str]]]:
    """Return the transport and the names of each trunk that has any."""
    names = {
        trunk.code: (
            trunk.transport,
            [
                name
                for name in trunk_names(trunk.host, trunk.port, trunk.hosts, trunk.proxy)
                if not _is_address(name.partition(":")[0])
            ],
        )
        for trunk in session.scalars(sa.select(Trunk))
    }
    return {code: found for code, found in names.items() if found[1]}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _changes(session: Session, found: Mapping[str, Found]) -> list[tuple[Trunk, Found]]:
    """Return the trunks for which DNS says something else now. A name without addresses keeps those that it had."""
    changes = []
    for trunk in session.scalars(sa.select(Trunk).where(Trunk.code.in_(found))):
        news = {name: addresses for name, addresses in found[trunk.code].items() if addresses}
        of_names = set(trunk_names(trunk.host, trunk.port, trunk.hosts, trunk.proxy))
        wanted = {name: addresses for name, addresses in trunk.found.items() if name in of_names} | news
        if wanted != trunk.found:
            changes.append((trunk, wanted))
    return changes


def _store(session: Session, found: Mapping[str, Found]) -> None:
    for trunk, wanted in _changes(session, found):
        log.info("carrier.addresses", trunk=trunk.code, found=wanted)
        trunk.found = wanted
