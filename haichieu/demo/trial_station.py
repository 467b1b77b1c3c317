"""Trial station: a whole station in a temporary home on free loopback ports, for demo, tests and benchmarks."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from haichieu.database import Database, migrate
from haichieu.demo.process_tree import kill_tree
from haichieu.district.reconcile import apply_file
from haichieu.errors import EnvironmentProblem
from haichieu.home import enter_home
from haichieu.locale import Message
from haichieu.process_control import end_with_parent
from haichieu.processes.opened_station import OpenedStation
from haichieu.settings import Settings, load_settings
from haichieu.sip.certificate import certificate_facts
from haichieu.vault import NUMBERS_KEY, STATION_KEY
from ivr.flows.definition import delivered_flows

LOOPBACK = "127.0.0.1"
RTP_PORTS = 1000
PORTS, RTP_RANGES = range(10_000, 20_000), range(20_000, 32_000, RTP_PORTS)
"""Below the ports that Linux gives to sockets bound to port 0: a call whose RTCP port is taken may have no sound."""
START_SECONDS = 60.0
STOP_SECONDS = 40.0


@dataclass
class TrialStation:
    """A running station: its settings, its database, and the process that supervises it."""

    settings: Settings
    environment: Mapping[str, str]
    database: Database
    log: Path
    process: asyncio.subprocess.Process | None = field(default=None)

    @cached_property
    def opened(self) -> OpenedStation:
        """The station's home, as its own processes open it."""
        return OpenedStation(self.settings, self.database)

    @property
    def server(self) -> str:
        """SIP address of the station, as HOST:PORT."""
        return f"{self.settings.bind}:{self.settings.sip_port}"

    @property
    def tls_server(self) -> str:
        """SIP address of the station over TLS, as HOST:PORT."""
        return f"{self.settings.bind}:{self.settings.sip_tls_port}"

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of its certificate for SIP over TLS."""
        return certificate_facts(self.settings).fingerprint

    async def command(self, *arguments: str) -> str:
        """Run a `haichieu` command on this station and return its output. Raises EnvironmentProblem."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "haichieu", *arguments),
            env=dict(self.environment),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, said = await process.communicate()
        if process.returncode:
            raise EnvironmentProblem(
                Message.verbatim(f"haichieu {arguments[0]}: {said.decode(errors='replace').strip()}")
            )
        return printed.decode()

    async def start(self) -> None:
        """Start it and wait until calls can be taken. Raises EnvironmentProblem with the end of its log."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "haichieu", "up"),
                env=dict(self.environment),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                preexec_fn=end_with_parent,
            )
        assert self.process.stdout is not None  # noqa: S101
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await self.process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line.startswith(b"ready"):
            await self.stop()
            raise EnvironmentProblem("demo.not_started", log=self.log.read_text(errors="replace")[-3000:])

    async def kill(self) -> None:
        """Kill every process of it at once, as a power cut does."""
        process, self.process = self.process, None
        if process is not None:
            kill_tree(process.pid)
            await process.wait()

    async def stop(self) -> int | None:
        """Stop it; return its exit status, None when it had to be killed."""
        process, self.process = self.process, None
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            return None


def _share_speech(home: Path) -> None:
    """Share synthesised prompts among all trial stations of a user: making them takes longer than most trials."""
    shared = Path.home() / ".cache" / "haichieu" / "speech"
    shared.mkdir(parents=True, exist_ok=True)
    (home / "media").mkdir()
    (home / "media" / "speech").symlink_to(shared, target_is_directory=True)


def _apply(settings: Settings, database: Database, district: Path) -> None:
    """Apply a district file in this process, which saves the start of a new one."""
    migrate(settings.resolved_database_url)
    apply_file(
        database,
        OpenedStation(settings, database).vault,
        district,
        delivered_flows(),
        dry_run=False,
        prune=False,
        actor="trial",
    )


def _share_keys(home: Path, keys: Path | None) -> None:
    """Give a node the keys of the first one, without which the database that they share is of no use."""
    for name in (STATION_KEY, NUMBERS_KEY) if keys else ():
        (home / "secrets").mkdir(mode=0o700, exist_ok=True)
        shutil.copy((keys or home) / name, home / "secrets" / name)


@contextlib.asynccontextmanager
async def trial_station(
    district: Path | None, keys: Path | None = None, /, **settings: str | int | float
) -> AsyncIterator[TrialStation]:
    """Start a station, with a district file applied when one is given; everything is gone afterwards.

    `keys` is the folder with the secrets of a node whose database this one shares.
    """
    home = Path(tempfile.mkdtemp(prefix="haichieu-"))
    enter_home(home).close()  # what this process writes there is private, too
    _share_keys(home, keys)
    _share_speech(home)
    given = {"home": home, **free_ports(), **settings}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HAICHIEU_")},
        **{name: os.environ[name] for name in ("HAICHIEU_ASTERISK", "HAICHIEU_ASTERISK_CACHE") if name in os.environ},
        **{f"HAICHIEU_{name.upper()}": str(value) for name, value in given.items()},
    }
    loaded = load_settings(**given)
    station = TrialStation(loaded, environment, Database(loaded.resolved_database_url), home / "station.log")
    try:
        if district is not None:
            await asyncio.to_thread(_apply, loaded, station.database, district)
        await station.start()
        yield station
    finally:
        await station.stop()
        station.database.close()
        shutil.rmtree(home, ignore_errors=True)


@contextlib.asynccontextmanager
async def trial_nodes(
    district: Path,
    database_url: str,
    names: Sequence[str],
    each: Mapping[str, Mapping[str, str | int | float]] | None = None,
    /,
    **settings: str | int | float,
) -> AsyncIterator[dict[str, TrialStation]]:
    """Start several nodes that share a PostgreSQL database; everything else is gone afterwards.

    `each` has further settings of single nodes.
    """
    async with contextlib.AsyncExitStack() as stack:
        nodes: dict[str, TrialStation] = {}
        for name in names:
            keys = nodes[names[0]].settings.home / "secrets" if nodes else None
            given = {"node": name, "database_url": database_url, **settings, **(each or {}).get(name, {})}
            nodes[name] = await stack.enter_async_context(trial_station(None if nodes else district, keys, **given))
        yield nodes


async def until(condition: Callable[[], bool], what: str, seconds: float = 15.0, pause: float = 0.05) -> None:
    """Wait for a condition, which is checked in a thread, with a pause after each check.

    Slow checks are made less often, so that waiting does not slow down the work it waits for. Raises
    EnvironmentProblem naming `what` after the time-out.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while True:
        began = clock()
        if await asyncio.to_thread(condition):
            return
        if clock() > deadline:
            raise EnvironmentProblem("demo.waited_in_vain", seconds=float(seconds), what=what)
        await asyncio.sleep(max(pause, min(2 * (clock() - began), deadline - clock())))


def free_ports() -> dict[str, str | int]:
    """Return port settings that are currently free on this machine."""
    first = random.choice(RTP_RANGES)  # noqa: S311 (nothing secret about a port)
    return {
        "bind": LOOPBACK,
        "sip_port": free_port(socket.SOCK_STREAM, socket.SOCK_DGRAM),
        "sip_tls_port": free_port(socket.SOCK_STREAM),
        "rtp_ports": f"{first}-{first + RTP_PORTS - 1}",
        "ari_port": free_port(socket.SOCK_STREAM),
        "web_port": free_port(socket.SOCK_STREAM),
        "fan_out_port": free_port(socket.SOCK_DGRAM),
    }


_claims: list[socket.socket] = []
"""Names that tell all processes of this machine which ports are given away, where perhaps nothing listens yet."""


def free_port(*kinds: socket.SocketKind) -> int:
    """Return a loopback port that is free for sockets of all these kinds.

    It is given only once, whichever process asks, until the one that has it ends.
    """
    while True:
        port = random.choice(PORTS)  # noqa: S311 (nothing secret about a port)
        if not _is_claimed_now(port):
            continue
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for kind in kinds:
                probes.enter_context(socket.socket(socket.AF_INET, kind)).bind((LOOPBACK, port))
            return port


def _is_claimed_now(port: int) -> bool:
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0haichieu-port-{port}")  # an abstract name (unix(7)): no file, and gone with its process
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True
