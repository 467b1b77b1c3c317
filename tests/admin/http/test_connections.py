"""Limits of connections."""

import asyncio
from typing import cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from admin.http.connections import Connections


class Transport:
    """A connection from an address that only notes that it was dropped."""

    def __init__(self, address: str) -> None:
        self.address, self.is_dropped = address, False

    def get_extra_info(self, name: str) -> object:
        return (self.address, 1) if name == "peername" else self

    def setsockopt(self, *_: object) -> None:
        pass

    def abort(self) -> None:
        self.is_dropped = True


class Client:
    """What aiohttp has for one connection."""

    _task_handler = None


class Server:
    """Connections, and what they made of each client."""

    def __init__(self, most: int, most_of_an_address: int | None) -> None:
        self.connections = Connections(self.answer, most, most_of_an_address)
        self.protocols: list[RequestHandler] = []

    async def answer(self, _request: web.BaseRequest) -> web.StreamResponse:
        raise NotImplementedError

    def connect(self, address: str) -> Transport:
        transport, protocol = Transport(address), cast(RequestHandler, Client())
        self.protocols.append(protocol)
        self.connections.connection_made(protocol, cast(asyncio.Transport, transport))
        return transport

    def request(self, number: int) -> web.BaseRequest:
        client = Client()
        client.protocol = self.protocols[number]  # type: ignore[attr-defined]
        return cast(web.BaseRequest, client)


async def test_address_with_too_many_connections_loses_its_own_oldest() -> None:
    server = Server(most=10, most_of_an_address=2)
    first, others, second = server.connect("10.0.0.1"), server.connect("10.0.0.9"), server.connect("10.0.0.1")
    third = server.connect("10.0.0.1")
    assert [one.is_dropped for one in (first, others, second, third)] == [True, False, False, False]


async def test_longest_waiting_connection_makes_room_for_a_new_one() -> None:
    server = Server(most=2, most_of_an_address=2)
    found = [server.connect(f"10.0.0.{number}") for number in range(3)]
    assert [one.is_dropped for one in found] == [True, False, False]


async def test_request_that_the_station_works_on_is_not_dropped() -> None:
    server = Server(most=2, most_of_an_address=None)
    busy, waiting = server.connect("10.0.0.1"), server.connect("10.0.0.2")
    with server.connections.being_served(server.request(0)):
        new = server.connect("10.0.0.3")
    assert [one.is_dropped for one in (busy, waiting, new)] == [False, True, False]
    assert not server.connect("10.0.0.4").is_dropped
    assert (busy.is_dropped, new.is_dropped) == (False, True)  # served last


async def test_proxy_may_open_as_many_connections_as_all_together() -> None:
    server = Server(most=5, most_of_an_address=None)
    found = [server.connect("10.0.0.1") for _ in range(5)]
    assert not any(one.is_dropped for one in found)


async def test_lost_connections_count_no_longer() -> None:
    server = Server(most=10, most_of_an_address=1)
    for number in range(5):
        assert not server.connect("10.0.0.1").is_dropped
        server.connections.connection_lost(server.protocols[number])
