"""Ports of trial stations, several of which start at the same time."""

import socket
import subprocess
import sys

import pytest

from haichieu.demo import trial_station
from haichieu.demo.trial_station import free_port, free_ports
from haichieu.settings import load_settings


def test_no_port_is_given_twice() -> None:
    given = [free_port(socket.SOCK_DGRAM) for _ in range(100)]
    assert len(set(given)) == 100


def test_port_given_to_another_process_is_not_given_before_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    asks = "import socket; from haichieu.demo.trial_station import free_port; print(free_port(socket.SOCK_STREAM))"
    waits = "; import sys; sys.stdout.flush(); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", asks + waits], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        taken = int(other.stdout.readline())
        monkeypatch.setattr(trial_station, "PORTS", [*[taken] * 1_000, *range(9_000, 9_010)])
        assert free_port(socket.SOCK_STREAM) != taken
        other.communicate()


def test_ports_of_a_station_are_accepted_as_settings() -> None:
    for _ in range(50):
        load_settings(**free_ports(), fan_out=True)
