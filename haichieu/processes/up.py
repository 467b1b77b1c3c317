"""`haichieu up`: the whole station on one machine."""

import asyncio
from functools import partial

from sqlalchemy.orm import configure_mappers

from haichieu.home import enter_home
from haichieu.logs import configure_logs
from haichieu.node_lock import require_free_name
from haichieu.process_pulse import Pulse
from haichieu.processes.opened_station import open_station
from haichieu.processes.supervision import Child, Program, supervise
from haichieu.settings import Settings


def run_up(settings: Settings) -> None:
    """Start everything, print `ready`, and supervise until SIGTERM or Ctrl-C; then stop in order."""
    from dialplans.configuration import check_home, check_ports

    configure_logs(settings.log_level, "up")
    enter_home(settings.home.absolute())  # until the end of the supervisor and of its children
    check_home(settings)
    check_ports(settings)
    station = open_station(settings)
    asyncio.run(require_free_name(station.database, settings.node))
    station.database.close()
    # Stopped in this order: no new requests, then calls and broadcasts end, then Asterisk.
    children = (
        Child("web", partial(_web, settings), stop_seconds=10.0),
        Child("worker", partial(_worker, settings), stop_seconds=10.0),
        Child("switchboard", partial(_switchboard, settings), stop_seconds=15.0),
        *((Child("fan-out", partial(_fan_out, settings), stop_seconds=5.0),) if settings.fan_out else ()),
        Child("asterisk", lambda _: _asterisk(settings), stop_seconds=10.0, beats=False),
    )
    if program := supervise(children, partial(_say_ready, settings)):
        program()


def _say_ready(settings: Settings) -> None:
    at = settings.bind
    print(f"ready web=http://{at}:{settings.web_port}/ sip={at}:{settings.sip_port}", flush=True)


# Each imports its process's modules at the first start, so that Asterisk starts in the meantime, and configures
# SQLAlchemy's mappers once for all processes.


def _asterisk(settings: Settings) -> Program:
    from haichieu.processes.asterisk import run_asterisk

    return partial(run_asterisk, settings)


def _switchboard(settings: Settings, pulse: Pulse) -> Program:
    from haichieu.processes.switchboard import run_switchboard

    configure_mappers()
    return partial(run_switchboard, settings, pulse)


def _fan_out(settings: Settings, pulse: Pulse) -> Program:
    from haichieu.processes.fan_out import run_fan_out

    return partial(run_fan_out, settings, pulse)


def _worker(settings: Settings, pulse: Pulse) -> Program:
    from haichieu.processes.worker import run_worker

    configure_mappers()
    return partial(run_worker, settings, pulse)


def _web(settings: Settings, pulse: Pulse) -> Program:
    from haichieu.processes.web import run_web

    configure_mappers()
    return partial(run_web, settings, pulse)
