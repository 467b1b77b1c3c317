"""`haichieu fan-out`: sends the sound of broadcasts to the speakers of one Asterisk."""

import asyncio
import socket

import structlog

from broadcast_bridge.fan_out.server import FanOutServer, Place
from broadcast_bridge.fan_out.streams import LOOPBACK
from dialplans.configuration import fan_out_password
from haichieu.background import in_background, until_terminated
from haichieu.home import enter_home
from haichieu.logs import configure_logs
from haichieu.process_control import READY, open_many_files, run_ahead_of_other_work
from haichieu.process_pulse import Pulse, beat_from_loop
from haichieu.settings import EVERYWHERE, Settings

log = structlog.get_logger()

SOMEWHERE = ("192.0.2.1", 9)
"""An address of documentation (RFC 5737): nothing is sent there, but the routing table has a way to it."""


def run_fan_out(settings: Settings, pulse: Pulse) -> None:
    """Send sound until SIGTERM."""
    configure_logs(settings.log_level, "fan-out")
    enter_home(settings.home.absolute())
    run_ahead_of_other_work()
    open_many_files()
    server = FanOutServer(_place(settings))

    async def work() -> None:
        async with in_background(beat_from_loop(pulse), asyncio.to_thread(_report_hang, settings, pulse)):
            await server.run(lambda: print(READY, flush=True))

    asyncio.run(until_terminated(work))


def _report_hang(settings: Settings, pulse: Pulse) -> None:
    """Raise the alarm if the last fan-out hung; only then does this process open the database."""
    if pulse.hung:
        from haichieu.processes.hung_process import report_hang
        from haichieu.processes.opened_station import open_station
        from haichieu.station_status import FAN_OUT

        report_hang(open_station(settings).database, FAN_OUT, pulse)


def _place(settings: Settings) -> Place:
    return Place(
        home=settings.home.absolute(),
        sip_port=settings.fan_out_port,
        host=settings.bind,
        rtp_port=settings.fan_out_rtp_port,
        announced_host=announced_host(settings.bind),
        asterisk_hosts=frozenset({LOOPBACK, settings.bind}),
        asterisk_port=settings.sip_port,
        password=fan_out_password(settings).encode(),
    )


def announced_host(bind: str) -> str:
    """Return the address that speakers send their reports to: `bind`, else that of the default route."""
    if bind != EVERYWHERE:
        return bind
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(SOMEWHERE)
        except OSError:  # no route leads out
            return LOOPBACK
        host: str = probe.getsockname()[0]
        return host
