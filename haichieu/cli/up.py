"""`haichieu up`: the whole station on one machine."""

import asyncio
import contextlib
import os
import signal
import sys

from haichieu.database import migrate
from haichieu.errors import EnvironmentProblem
from haichieu.logs import configure_logs
from haichieu.processes import Child
from haichieu.settings import Settings

GIVE_UP_AFTER = 3
"""A process that ends this often in a row without having been ready will not come up by trying again."""


def run_up(settings: Settings) -> None:
    """Start everything, say `ready`, and supervise until SIGTERM or Ctrl-C; then stop in order."""
    from dialplans.configuration import check_home, check_ports

    configure_logs(settings.log_level, "up")
    check_home(settings)
    check_ports(settings)
    migrate(settings.resolved_database_url)
    asyncio.run(_up(settings))


async def _up(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    # Stopped in this order: no new request, then calls and broadcasts closed, then the engine.
    children = {
        name: Child(name, (sys.executable, "-m", "haichieu", name), stop_seconds=seconds)
        for name, seconds in (("web", 10.0), ("worker", 10.0), ("switchboard", 15.0), ("asterisk", 10.0))
    }
    os.environ["HAICHIEU_HOME"] = str(settings.home.absolute())
    tasks = {name: asyncio.create_task(child.run()) for name, child in reversed(children.items())}
    try:
        if await _all_ready(children, stopping):
            print(
                f"ready web=http://{settings.bind}:{settings.web_port}/ sip={settings.bind}:{settings.sip_port}",
                flush=True,
            )
            await stopping.wait()
    finally:
        for name in children:
            tasks[name].cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await tasks[name]


async def _all_ready(children: dict[str, Child], stopping: asyncio.Event) -> bool:
    """Wait until calls can be taken; say whether that came before the order to stop.

    Raises EnvironmentProblem, with the last words of the process, when one cannot be started.
    """
    while not stopping.is_set():
        if all(child.ready.is_set() for child in children.values()):
            return True
        for child in children.values():
            if child.failed_at_once >= GIVE_UP_AFTER:
                raise EnvironmentProblem(
                    f"Tiến trình '{child.name}' không khởi động được. / "
                    f"The process '{child.name}' does not start:\n" + "\n".join(child.last_words[-5:])
                )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), 0.05)
    return False
