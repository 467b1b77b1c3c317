"""Supervision with real processes: started, named, restarted, stopped in order, and never left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from haichieu.processes.supervision import WORKING_SECONDS
from tests.waiting import wait_until

SUPERVISOR = """
import signal, sys, time
from functools import partial
from haichieu import process_pulse
from haichieu.logs import configure_logs
from haichieu.processes import supervision
from haichieu.processes.supervision import Child, supervise

process_pulse.BEAT_SECONDS, supervision.HUNG_SECONDS = 0.1, 1.0

def steady(name, pulse):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(print(f"{name} goes", flush=True)))
    print("ready", flush=True)
    time.sleep(600)

def talking(name, pulse):
    print("ready", flush=True)
    print("here", flush=True)
    time.sleep(600)

def deaf(name, pulse):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready", flush=True)
    time.sleep(600)

def broken(name, pulse):
    sys.exit("no room on the disk")

def beating(name, of_its_own):
    if of_its_own.hung:
        print("its predecessor hung", flush=True)
    process_pulse.beat_from_thread(of_its_own)
    steady(name, of_its_own)

def child(name, kind):
    def load(pulse):
        if kind == "large":
            print("loading", flush=True)
            time.sleep(1.0)
        return partial(globals().get(kind, steady), name, pulse)

    return Child(name, load, stop_seconds=1.0, beats=kind in ("beating", "slow"))

configure_logs("info", "supervisor")
children = [child(*word.split("=")) for word in sys.argv[1:]]
if program := supervise(children, lambda: print("all ready", flush=True)):
    program()
else:
    print("all ended", flush=True)
"""
WAIT = 20


class Supervised:
    """A supervisor of some children, and what it has printed."""

    def __init__(self, *children: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, *children], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def said_until(self, last: str) -> str:
        """Return what it and its children have logged, up to a line."""
        assert self.process.stderr is not None
        lines = [""]
        while lines[-1] != last:
            lines.append(self.process.stderr.readline().strip())
        return "\n".join(lines)

    def child(self, name: str) -> int:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        (pid,) = [int(pid) for pid in children if f"haichieu {name}" in Path(f"/proc/{pid}/cmdline").read_text()]
        return pid

    def finish(self) -> tuple[str, str]:
        return self.process.communicate(timeout=WAIT)


@pytest.fixture
def started() -> Iterator[Callable[..., Supervised]]:
    begun: list[Supervised] = []

    def start(*children: str) -> Supervised:
        begun.append(Supervised(*children))
        return begun[-1]

    yield start
    for one in begun:
        one.process.kill()
        one.process.communicate()


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_an_order_to_stop_ends_them_in_their_order(started: Callable[..., Supervised]) -> None:
    station = started("web=steady", "engine=steady")
    assert station.line() == "all ready"
    assert station.child("web") != station.child("engine")
    station.process.send_signal(signal.SIGTERM)
    printed, said = station.finish()
    assert printed == "all ended\n"
    assert said.splitlines() == ["web: web goes", "engine: engine goes"]
    assert station.process.returncode == 0


def comes_back(station: Supervised, name: str, killed: int) -> int:
    """Wait until a process runs again, and return its new number."""

    def is_back() -> bool:
        try:
            return station.child(name) != killed
        except (ValueError, FileNotFoundError):
            return False

    wait_until(is_back, "it is back", WAIT)
    return station.child(name)


def test_one_that_is_killed_comes_back_and_the_others_stay(started: Callable[..., Supervised]) -> None:
    station = started("web=steady", "engine=steady")
    assert station.line() == "all ready"
    killed, other = station.child("web"), station.child("engine")
    os.kill(killed, signal.SIGKILL)
    comes_back(station, "web", killed)
    assert station.child("engine") == other
    station.process.send_signal(signal.SIGTERM)
    printed, said = station.finish()
    assert printed == "all ended\n"  # and `all ready` was not said again
    assert "process.ended" in said
    assert station.process.returncode == 0


def test_one_that_was_ready_comes_back_soon_however_often_it_is_killed(started: Callable[..., Supervised]) -> None:
    station = started("web=talking")
    pauses = []
    for _ in range(6):
        said = station.said_until("web: here")
        pauses += [float(found) for found in re.findall('"again_in": ([0-9.]+)', said)]
        os.kill(station.child("web"), signal.SIGKILL)
    assert len(pauses) == 5
    assert max(pauses) == WORKING_SECONDS


def test_hung_process_is_replaced_and_a_slow_start_is_not(started: Callable[..., Supervised]) -> None:
    station = started("web=beating", "worker=slow", "engine=steady")
    assert station.line() == "all ready"
    hung, others = station.child("web"), (station.child("worker"), station.child("engine"))
    os.kill(hung, signal.SIGSTOP)
    wait_until(lambda: is_gone(hung), "it is killed", WAIT)

    def is_back() -> bool:
        try:
            back = station.child("web")
            return back != hung and len(list(Path(f"/proc/{back}/task").iterdir())) > 1  # its pulse has a thread
        except (ValueError, FileNotFoundError):
            return False

    wait_until(is_back, "it is back", WAIT)
    assert (station.child("worker"), station.child("engine")) == others
    station.process.send_signal(signal.SIGTERM)
    _, said = station.finish()
    assert "process.hung" in said
    assert "web: its predecessor hung" in said


def test_one_that_does_not_come_up_is_named_with_its_last_words(started: Callable[..., Supervised]) -> None:
    station = started("web=steady", "engine=broken")
    printed, said = station.finish()
    assert printed == ""
    assert "web: web goes" in said
    last = said.splitlines()[-1]
    assert "EnvironmentProblem: The process “engine” does not start:" in last
    assert "no room on the disk" in last


def test_an_order_to_stop_while_one_is_being_loaded_starts_no_more(started: Callable[..., Supervised]) -> None:
    station = started("web=large", "worker=large", "engine=steady")
    assert station.line() == "loading"
    station.process.send_signal(signal.SIGTERM)
    printed, said = station.finish()
    assert printed == "all ended\n"  # and nothing else was loaded
    assert "engine: engine goes" in said
    assert station.process.returncode == 0


def test_one_that_does_not_listen_is_killed_in_its_time(started: Callable[..., Supervised]) -> None:
    station = started("web=deaf", "engine=steady")
    assert station.line() == "all ready"
    began = time.monotonic()
    station.process.send_signal(signal.SIGINT)
    printed, said = station.finish()
    assert time.monotonic() - began >= 1.0
    assert printed == "all ended\n"
    assert "process.killed" in said
    assert "engine: engine goes" in said


def test_nobody_is_left_behind_by_a_supervisor_that_is_killed(started: Callable[..., Supervised]) -> None:
    station = started("web=steady", "engine=steady")
    assert station.line() == "all ready"
    left = [station.child("web"), station.child("engine")]
    station.process.kill()
    wait_until(lambda: all(is_gone(pid) for pid in left), "every process is gone", WAIT)
