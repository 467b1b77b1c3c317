"""Clients that send or read slowly, at a real web process: everyone else is answered all the same."""

import contextlib
import http.client
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from admin.access import sessions
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import now
from haichieu.locale import Message
from haichieu.people import Account
from tests.admin.served import Served, web_process

HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "
NO_BODY = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\na=b&"
ANSWERED_SECONDS = 5.0


def connect(station: Served) -> socket.socket:
    where = urlsplit(station.address)
    return socket.create_connection((where.hostname or "", where.port or 0), timeout=10)


@contextlib.contextmanager
def many(station: Served, count: int, sent: bytes, receive_buffer: int | None = None) -> Iterator[list[socket.socket]]:
    """Connections that have sent `sent` and do nothing more."""
    where = urlsplit(station.address)
    with contextlib.ExitStack() as opened:
        connections = []
        for _ in range(count):
            connection = opened.enter_context(socket.socket())
            if receive_buffer is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            connection.settimeout(10)
            connection.connect((where.hostname or "", where.port or 0))
            connection.sendall(sent)
            connections.append(connection)
        yield connections


def is_answered(station: Served, path: str = "/healthz") -> bool:
    with contextlib.suppress(urllib.error.HTTPError):  # the other processes of the station do not run
        urllib.request.urlopen(f"{station.address}{path}", timeout=ANSWERED_SECONDS).read()
    return True


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(HALF_A_HEAD, id="half a head"),
        pytest.param(b"", id="nothing", marks=pytest.mark.proof),
        pytest.param(NO_BODY, id="no body", marks=pytest.mark.proof),
    ],
)
def test_answers_continue_beside_400_half_open_requests(station: Served, sent: bytes) -> None:
    with many(station, 400, sent):
        for path in ("/healthz", "/login", "/healthz"):
            assert is_answered(station, path)


def test_answers_continue_beside_clients_that_do_not_read(station: Served) -> None:
    page = urllib.request.urlopen(f"{station.address}/login", timeout=10).read().decode()
    style = next(part for part in page.split('"') if part.endswith("tabler.min.css"))
    with many(station, 100, f"GET {style} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), receive_buffer=4096):
        assert is_answered(station)


def test_upload_that_pauses_leaves_others_alone(station: Served) -> None:
    with station.house.database.session() as session:
        account = session.query(Account).filter_by(email="admin@x.example").one()
        proof = sessions.begin(session, account, "127.0.0.1", "test", now())[0]
    head = (
        "POST /programmes/uploads?title=X&unit=2 HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Length: 5000000\r\nCookie: haichieu={proof}\r\n\r\nabc"
    )
    with many(station, 100, head.encode()):
        assert is_answered(station)


def test_body_in_chunks_and_after_a_wait_for_100_is_read(station: Served) -> None:
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    with connect(station) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"4\r\na=1&\r\n3\r\nb=2\r\n0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")  # read, and its form token is missing


def test_live_page_hears_of_a_change_and_delays_no_stop(station: Served) -> None:
    with station.house.database.session() as session:
        account = session.query(Account).filter_by(email="admin@x.example").one()
        proof = sessions.begin(session, account, "127.0.0.1", "test", now())[0]
    with web_process(station.house.home) as (address, pid):
        request = urllib.request.Request(f"{address}/now/events", headers={"Cookie": f"haichieu={proof}"})
        with urllib.request.urlopen(request, timeout=10) as stream:
            assert stream.readline() == b"event: changed\n"
            with station.house.database.session() as session:
                raise_alarm(session, AlarmKind.ASTERISK_DOWN, "test", Message.verbatim("Thử"))
            assert b"event: changed\n" in (stream.readline() for _ in range(9))
            began = time.monotonic()
            os.kill(pid, 15)
            with contextlib.suppress(http.client.IncompleteRead):
                stream.read()
        assert time.monotonic() - began < 4  # a live page sleeps for ten seconds
    assert "web.request_failed" not in (station.house.home / "web.log").read_text()
