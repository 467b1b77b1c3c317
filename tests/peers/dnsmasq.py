"""dnsmasq as the DNS server that knows a carrier's names."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from dns.resolver import Resolver

from haichieu.demo.trial_station import until
from tests.peers.programs import started

ADDRESS = "127.0.0.153"
"""Of loopback, so that port 53, the only one that resolv.conf(5) knows, is free."""
STANDARD_PORT = 53


@dataclass
class Dnsmasq:
    """The running server. `hosts` is read again by `renew`."""

    folder: Path
    port: int
    process: asyncio.subprocess.Process

    def resolver(self) -> Resolver:
        """Return what asks this server alone."""
        resolver = Resolver(configure=False)
        resolver.nameservers, resolver.port = [ADDRESS], self.port
        return resolver

    @property
    def resolv_conf(self) -> Path:
        """A file for /etc/resolv.conf."""
        file = self.folder / "resolv.conf"
        file.write_text(f"nameserver {ADDRESS}\n")
        return file

    async def renew(self, hosts: dict[str, str]) -> None:
        """Give its names other addresses."""
        write_hosts(self.folder, hosts)
        self.process.send_signal(signal.SIGHUP)
        name, address = next(iter(hosts.items()))
        await until(lambda: _answers(self.resolver(), name, address), "the new address")


def write_hosts(folder: Path, hosts: dict[str, str]) -> None:
    (folder / "hosts").write_text("".join(f"{address} {name}\n" for name, address in hosts.items()))


@asynccontextmanager
async def dnsmasq(
    folder: Path, records: Iterable[str], hosts: dict[str, str], *, port: int = STANDARD_PORT
) -> AsyncIterator[Dnsmasq]:
    """Answer for the names of `hosts` and for `records`, which are options of dnsmasq."""
    write_hosts(folder, hosts)
    process = await started(
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--local=/#/",
        f"--user={'root' if os.geteuid() == 0 else ''}", "--pid-file=", f"--addn-hosts={folder / 'hosts'}",
        f"--port={port}", f"--listen-address={ADDRESS}", "--bind-interfaces", "--local-ttl=0",
        *(f"--{record}" for record in records),
    )  # fmt: skip
    server = Dnsmasq(folder, port, process)
    try:
        name, address = next(iter(hosts.items()))
        await until(lambda: _answers(server.resolver(), name, address), "dnsmasq answers")
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


def _answers(resolver: Resolver, name: str, address: str) -> bool:
    from dns.exception import DNSException

    try:
        return [str(one) for one in resolver.resolve(name, "A", lifetime=0.5)] == [address]
    except DNSException:
        return False
