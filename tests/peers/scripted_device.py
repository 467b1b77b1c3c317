"""Scripted devices: SIPp with the scenarios of the folder `devices`."""

import asyncio
import contextlib
import re
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from haichieu.demo.trial_station import free_port
from tests.peers.programs import started

SCENARIOS = Path(__file__).parent / "devices"
LOCAL = "127.0.0.1"
PATIENCE_SECONDS = 10.0

_MESSAGE = re.compile(r"^-{20,} .*\n(?:UDP|TCP) message (received|sent)[^\n]*\n\n", re.MULTILINE)


@dataclass
class Device:
    """A device that runs its scenario: every call and every OPTIONS request begins it again."""

    server: str
    name: str
    secret: str
    trace: Path
    port: int
    keys: Mapping[str, str] = field(default_factory=dict)

    async def register(self, expires: int = 600, contact_host: str = LOCAL) -> str:
        """Register, which must succeed, and return the answer; the port must be free."""
        trace = self.trace.with_name(f"register-{uuid.uuid4().hex}.log")
        keys = {"expires": str(expires), "contact_host": contact_host}
        process = await self._start("register", trace, keys, "-m", "1", "-timeout", "5s", "-timeout_error")
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await process.wait() == 0, trace.read_text() if trace.exists() else "SIPp did not start"
        return received(trace)[-1]

    @asynccontextmanager
    async def serving(self, scenario: str, *more: str) -> AsyncIterator[None]:
        """Answer requests with a scenario for the length of the block; `more` are options of SIPp."""
        process = await self._start(scenario, self.trace, self.keys, *more)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await process.wait()

    def requests(self, method: str) -> list[str]:
        """Return the requests of this method that have come, retransmissions included."""
        return [text for text in received(self.trace) if text.startswith(f"{method} ")]

    async def _start(
        self, scenario: str, trace: Path, keys: Mapping[str, str], *more: str
    ) -> asyncio.subprocess.Process:
        given = [part for name, value in keys.items() for part in ("-key", name, value)]
        return await started(
            "sipp", self.server, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", LOCAL, "-p", str(self.port),
            "-s", self.name, "-au", self.name, "-ap", self.secret, "-nostdin", "-trace_msg",
            "-message_file", str(trace), "-message_overwrite", "true", *given, *more,
        )  # fmt: skip


def received(trace: Path) -> list[str]:
    """Return the messages that SIPp has received, from its log."""
    parts = _MESSAGE.split(trace.read_text(errors="replace")) if trace.exists() else [""]
    return [text for way, text in zip(parts[1::2], parts[2::2], strict=True) if way == "received"]


def new_device(server: str, name: str, secret: str, folder: Path, **keys: str | int) -> Device:
    """Return a device at a free port; `keys` are the values that its scenario names."""
    values = {"sound_port": str(free_port(socket.SOCK_DGRAM)), "payload": "8"}
    values |= {key: str(value) for key, value in keys.items()}
    trace = folder / f"{name}-{uuid.uuid4().hex}.log"
    return Device(server, name, secret, trace, free_port(socket.SOCK_DGRAM), values)
