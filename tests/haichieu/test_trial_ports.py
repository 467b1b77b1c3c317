"""Ports of trial stations, several of which start at the same time."""

import socket

from haichieu.demo.trial_station import free_port, free_ports
from haichieu.settings import load_settings


def test_no_port_is_given_twice() -> None:
    given = [free_port(socket.SOCK_DGRAM) for _ in range(300)]
    assert len(set(given)) == 300


def test_ports_of_a_station_are_accepted_as_settings() -> None:
    for _ in range(50):
        load_settings(**free_ports(), fan_out=True)
