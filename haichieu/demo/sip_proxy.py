"""Kamailio in front of trial nodes, with the configuration that a province uses (`docker/kamailio`)."""

import asyncio
import contextlib
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from haichieu.demo.process_tree import kill_tree
from haichieu.demo.trial_station import LOOPBACK
from haichieu.errors import EnvironmentProblem
from haichieu.process_control import end_with_parent

CONFIGURATION = Path(__file__).parents[2] / "docker" / "kamailio" / "kamailio.cfg"
PROGRAM = Path("/usr/sbin/kamailio")
"""Debian keeps it off the PATH of ordinary users."""
NODE_GROUP, ENCRYPTED_GROUP, CARRIER_GROUP = 1, 2, 1
STOP_SECONDS = 3.0
START_SECONDS = 20.0
ASK_SECONDS = 0.1


@dataclass(frozen=True)
class ProxyTls:
    """TLS of the proxy: its port, the file with its certificate and key (PEM), and the certificates of the nodes.

    `nodes` are their addresses for TLS (HOST:PORT), in the order of the others.
    """

    port: int
    certificate: Path
    nodes: Sequence[str]
    trusted: Path


class SipProxy:
    """The running proxy."""

    def __init__(self, log: Path, port: int, pid: int) -> None:
        self.log, self.port, self.pid = log, port, pid

    @property
    def server(self) -> str:
        """Its SIP address, as HOST:PORT."""
        return f"{LOOPBACK}:{self.port}"

    def says(self, words: str) -> bool:
        """Return whether its log contains these words."""
        return words in self.log.read_text(errors="replace")


def write_configuration(
    folder: Path, port: int, nodes: Sequence[str], carriers: Sequence[str] = (), tls: ProxyTls | None = None
) -> Path:
    """Write what Kamailio needs for these nodes and carriers (HOST:PORT each), and return the main file.

    Raises EnvironmentProblem without Kamailio.
    """
    if not PROGRAM.exists():
        raise EnvironmentProblem("demo.no_kamailio")
    folder.mkdir(exist_ok=True)
    files = {"NODES": folder / "nodes.list", "CARRIERS": folder / "carriers.list"}
    lines = [f"{NODE_GROUP} sip:{node} 0 0\n" for node in nodes]
    listening = [f"listen={transport}:{LOOPBACK}:{port}\n" for transport in ("udp", "tcp")]
    if tls is not None:
        lines += [f"{ENCRYPTED_GROUP} sip:{node};transport=tls 0 0\n" for node in tls.nodes]
        listening.append(f"listen=tls:{LOOPBACK}:{tls.port}\n")
        files["TLS_SETTINGS"] = folder / "tls.cfg"
        files["TLS_SETTINGS"].write_text(_tls_settings(tls))
    files["NODES"].write_text("".join(lines))
    addresses = [carrier.partition(":") for carrier in carriers]
    files["CARRIERS"].write_text("".join(f"{CARRIER_GROUP} {host} 32 {port or 0}\n" for host, _, port in addresses))
    defines = "".join(f'#!define {name} "{path}"\n' for name, path in files.items())
    (folder / "province.cfg").write_text("".join(listening) + defines)
    return Path(shutil.copy(CONFIGURATION, folder))


def _tls_settings(tls: ProxyTls) -> str:
    """Return the TLS settings of the example, with these files."""
    settings = (CONFIGURATION.parent / "trial" / "tls.cfg").read_text()
    for name, file in (("certificate", tls.certificate), ("key", tls.certificate), ("nodes", tls.trusted)):
        settings = settings.replace(f"= /etc/kamailio/{name}.pem", f"= {file}")
    return settings


@asynccontextmanager
async def sip_proxy(
    folder: Path, port: int, nodes: Sequence[str], carriers: Sequence[str] = (), tls: ProxyTls | None = None
) -> AsyncIterator[SipProxy]:
    """Run Kamailio on a port of loopback. Raises EnvironmentProblem when it is not installed or does not start."""
    configuration = await asyncio.to_thread(write_configuration, folder, port, nodes, carriers, tls)
    with (folder / "kamailio.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(str(PROGRAM), "-f", str(configuration), "-DD", "-E", "-m", "32", "-M", "4", "-Y", str(folder)),
            cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent,
        )  # fmt: skip
    try:
        await _until_it_answers(port, process, folder / "kamailio.log")
        yield SipProxy(folder / "kamailio.log", port, process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:  # now and then it waits for a child that is gone
            kill_tree(process.pid)
            await process.wait()


async def _until_it_answers(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    """Ask it with OPTIONS until it answers."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + START_SECONDS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind((LOOPBACK, 0))
        asking.setblocking(False)
        us = f"{LOOPBACK}:{asking.getsockname()[1]}"
        question = (
            f"OPTIONS sip:{LOOPBACK}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bKready\r\n"
            f"From: <sip:ready@{us}>;tag=1\r\nTo: <sip:{LOOPBACK}:{port}>\r\nCall-ID: ready@{us}\r\n"
            "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        while process.returncode is None and loop.time() < deadline:
            with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                await loop.sock_sendto(asking, question, (LOOPBACK, port))
                await asyncio.wait_for(loop.sock_recv(asking, 4096), ASK_SECONDS)
                return
    raise EnvironmentProblem("demo.kamailio_failed", log=(await asyncio.to_thread(log.read_text))[-2000:])
