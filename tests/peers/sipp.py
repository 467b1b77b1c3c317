"""SIPp, the SIP test tool, in the roles that the scenarios of this folder describe."""

import asyncio
import contextlib
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from haichieu.demo.trial_station import LOOPBACK, until
from tests.peers.programs import started

SCENARIOS = Path(__file__).parent / "scenarios"
SECONDS = 8
_BETWEEN = re.compile(r"^-{40,}.*\n", re.MULTILINE)
_HEAD = re.compile(r"\A\w+ message (sent|received)[^\n]*\n\n")


@dataclass(frozen=True)
class Sipp:
    """One SIPp: the file of its messages, and its process."""

    trace: Path
    process: asyncio.subprocess.Process

    def received(self, first_line: str = "") -> list[str]:
        """Return the messages from the station whose first line begins so."""
        parts = _BETWEEN.split(self.trace.read_text("utf-8", "replace")) if self.trace.exists() else []
        found = []
        for part in parts:
            head = _HEAD.match(part)
            if head and head[1] == "received" and part[head.end() :].startswith(first_line):
                found.append(part[head.end() :])
        return found

    async def one_received(self, first_line: str) -> str:
        """Wait for a message from the station and return the first."""
        await until(lambda: bool(self.received(first_line)), f"a message {first_line}", SECONDS)
        return self.received(first_line)[0]


def field(message: str, name: str) -> str:
    """Return the value of a header field; empty if it has none."""
    found = re.search(rf"^{name}:[ \t]*(.*)$", message, re.MULTILINE | re.IGNORECASE)
    return found[1].strip() if found else ""


async def plays(
    scenario: str, folder: Path, server: str, keys: Mapping[str, str], *, port: int, **options: str
) -> tuple[int, Sipp]:
    """Play a scenario once; return SIPp's status, 0 if every message came as it says, and the messages."""
    once = [server, "-m", "1", "-timeout", str(SECONDS), "-timeout_error"]
    async with _running(scenario, folder, once, keys, port, **options) as sipp:
        status = await asyncio.wait_for(sipp.process.wait(), 2 * SECONDS)
    return status, sipp


@asynccontextmanager
async def waits(
    scenario: str, folder: Path, *, port: int, keys: Mapping[str, str] | None = None, **options: str
) -> AsyncIterator[Sipp]:
    """Let a scenario wait for requests of the station during the block."""
    async with _running(scenario, folder, [], keys or {}, port, **options) as sipp:
        yield sipp


def _written(scenario: str, keys: Mapping[str, str], path: Path) -> Path:
    """Write a scenario with its keys filled in: SIPp itself fills them in in some places only."""
    text = (SCENARIOS / f"{scenario}.xml").read_text()
    for name, value in keys.items():
        text = text.replace(f"[{name}]", value)
    path.write_text(text)
    return path


@asynccontextmanager
async def _running(
    scenario: str,
    folder: Path,
    arguments: list[str],
    keys: Mapping[str, str],
    port: int,
    transport: str = "u1",
    bind: str = LOOPBACK,
) -> AsyncIterator[Sipp]:
    trace = folder / f"{scenario}-{port}-{transport}.log"
    trace.unlink(missing_ok=True)
    path = _written(scenario, keys, folder / f"{scenario}-{port}.xml")
    command = [
        *("sipp", *arguments, "-sf", str(path), "-i", bind, "-p", str(port), "-t", transport),
        *("-nostdin", "-trace_msg", "-message_file", str(trace)),
    ]
    process = await started(*command, cwd=folder)
    try:
        yield Sipp(trace, process)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await process.wait()
