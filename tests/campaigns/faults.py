"""Faults of a running station, drawn from a seed: processes killed or paused, the database away, connections cut."""

import asyncio
import contextlib
import ctypes
import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.processes.supervision import HUNG_SECONDS
from tests.crashes.processes import child_of
from tests.station import district
from tests.station.scene import Scene

MIX = {
    "kill switchboard": 5,
    "kill worker": 4,
    "kill web": 2,
    "kill asterisk": 2,
    "pause switchboard": 3,
    "pause worker": 2,
    "pause web": 1,
    "pause asterisk": 2,
    "hang switchboard": 1,
    "hang worker": 1,
    "hang web": 1,
    "kill speaker": 2,
    "take database": 3,
    "cut connection": 3,
}
"""Faults and their weights. `hang` pauses for longer than the supervisor waits; `take` makes the database unavailable,
`cut` closes the connections of the switchboard to Asterisk."""
BETWEEN_SECONDS = (1.5, 3.0)
PAUSED_SECONDS = (0.3, 3.0)
HANGS_SECONDS = HUNG_SECONDS + 2
AWAY_SECONDS = (0.5, 3.0)
_PIDFD_GETFD = 438
"""Number of the system call pidfd_getfd(2), which Python does not offer; the same on every architecture."""
_ESTABLISHED = "01"

DatabaseAway = Callable[[], AbstractContextManager[None]]


class Faults:
    """Injects faults into a station. One that lasts continues while the next is injected."""

    def __init__(self, scene: Scene, seed: int, database_away: DatabaseAway) -> None:
        self._scene = scene
        self._chance = random.Random(f"faults {seed}")
        self._database_away = database_away
        self._database = asyncio.Lock()
        self._lasting: set[asyncio.Task[None]] = set()
        self.injected: Counter[str] = Counter()
        self.last_at = 0.0
        """When the last fault was over, on the monotonic clock."""

    async def inject(self, most: int, until: float, tell: Callable[[str], None]) -> None:
        """Inject faults until there are `most` of them, or until this time of the monotonic clock; end them all."""
        try:
            while self.injected.total() < most and time.monotonic() < until:
                (what,) = self._chance.choices(list(MIX), list(MIX.values()))
                seconds = self._chance.uniform(*PAUSED_SECONDS)
                pause = self._chance.uniform(*BETWEEN_SECONDS)
                try:
                    await self._begin(what, seconds)
                except (ValueError, ProcessLookupError):  # it is down after a former fault
                    await asyncio.sleep(0.2)
                    continue
                self.injected[what] += 1
                self.last_at = time.monotonic()
                tell(f"{self.injected.total()}/{most} {what}")
                if self.injected.total() < most:
                    await asyncio.sleep(pause)
        finally:
            await asyncio.gather(*self._lasting)

    async def _begin(self, what: str, seconds: float) -> None:
        station = self._scene.station
        action, name = what.split(" ")
        if name == "speaker":
            await self._restart_speaker()
        elif name == "database":
            self._go_on_with(self._take_database(seconds))
        elif name == "connection":
            process = await asyncio.to_thread(child_of, station, "switchboard")
            await asyncio.to_thread(cut_connections, process, station.settings.ari_port)
        else:
            process = os.pidfd_open(await asyncio.to_thread(child_of, station, name))
            if action == "kill":
                signal.pidfd_send_signal(process, signal.SIGKILL)
                os.close(process)
            else:
                self._go_on_with(self._pause(process, HANGS_SECONDS if action == "hang" else seconds))

    def _go_on_with(self, lasting: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(lasting)
        self._lasting.add(task)
        task.add_done_callback(self._lasting.discard)

    async def _pause(self, process: int, seconds: float) -> None:
        try:
            signal.pidfd_send_signal(process, signal.SIGSTOP)
            await asyncio.sleep(seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):  # the supervisor has killed it
                signal.pidfd_send_signal(process, signal.SIGCONT)
            os.close(process)
            self.last_at = time.monotonic()

    async def _take_database(self, seconds: float) -> None:
        def away() -> None:
            with self._database_away():
                time.sleep(seconds)

        async with self._database:
            await asyncio.to_thread(away)
        self.last_at = time.monotonic()

    async def _restart_speaker(self) -> None:
        code = self._chance.choice(sorted(self._scene.speakers))
        self._scene.speakers[code].kill()
        again = SoftSpeaker(
            server=self._scene.station.server, id=code, password=district.password(code), bind="127.0.0.1"
        )
        self._scene.speakers[code] = await self._scene.stack.enter_async_context(again)


def cut_connections(pid: int, port: int) -> int:
    """Shut down every TCP connection of a process to a port of this machine; return how many there were."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {
        f"socket:[{line[9]}]"
        for line in lines
        if int(line[2].rpartition(":")[2], 16) == port and line[3] == _ESTABLISHED
    }
    libc, process, cut = ctypes.CDLL(None, use_errno=True), os.pidfd_open(pid), 0
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                if os.readlink(descriptor) in sockets:
                    copied = libc.syscall(_PIDFD_GETFD, process, int(descriptor.name), 0)
                    if copied < 0:
                        raise OSError(ctypes.get_errno(), "pidfd_getfd")
                    with socket.socket(fileno=copied) as connection:
                        connection.shutdown(socket.SHUT_RDWR)
                    cut += 1
    finally:
        os.close(process)
    return cut
