"""The processes of a station, to be found and killed."""

import os
import signal
from pathlib import Path

from haichieu.demo.process_tree import descendants
from haichieu.demo.trial_station import TrialStation


def supervisor(station: TrialStation) -> int:
    """Return the process id of `haichieu up`."""
    assert station.process is not None
    return station.process.pid


def child_of(station: TrialStation, name: str) -> int:
    """Return the process id of one supervised process of a station."""
    marks = {"asterisk": "asterisk.conf"} | {name: f"haichieu {name}" for name in ("switchboard", "worker", "web")}
    (found,) = [pid for pid, command in descendants(supervisor(station)).items() if marks[name] in command][:1]
    return found


def kill(pid: int) -> None:
    """Kill a process."""
    os.kill(pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
