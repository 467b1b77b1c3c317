"""The processes of a station that a bench measures."""

import subprocess
from dataclasses import dataclass

from haichieu.demo.process_tree import descendants
from haichieu.demo.trial_station import TrialStation
from tests.benchmarks.speakers import resident_megabytes


@dataclass(frozen=True)
class Processes:
    """The process ids that are measured."""

    asterisk: int
    switchboard: int
    web: int
    fan_out: int | None = None


def processes_of(station: TrialStation) -> Processes:
    """The processes of a running station."""
    assert station.process is not None
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(station.process.pid)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    def pid_of(words: str) -> int:
        return next(int(line.split()[0]) for line in listed if words in line)

    fan_out = pid_of("haichieu fan-out") if station.settings.fan_out else None
    return Processes(pid_of("asterisk.conf"), pid_of("haichieu switchboard"), pid_of("haichieu web"), fan_out)


def memory(station: TrialStation) -> float:
    """Return the megabytes (PSS) that all processes of a running station take, Asterisk included."""
    assert station.process is not None
    pids = [station.process.pid, *descendants(station.process.pid)]
    return sum(map(resident_megabytes, pids))
