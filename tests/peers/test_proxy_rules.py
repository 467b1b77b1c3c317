"""Rules of Kamailio's configuration, with bare sockets as nodes, devices and strangers."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from haichieu.background import in_background
from haichieu.demo.sip_proxy import SipProxy, sip_proxy
from haichieu.demo.trial_station import LOOPBACK, free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

COPIED = re.compile(r"(?:Via|From|To|Call-ID|CSeq|Record-Route):", re.IGNORECASE)
FAILOVER_SECONDS = 3.0


class Peer:
    """A UDP socket that speaks SIP."""

    def __init__(self) -> None:
        self.port = free_port(socket.SOCK_DGRAM)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((LOOPBACK, self.port))
        self._socket.setblocking(False)
        self._numbers = iter(range(1000))

    @property
    def server(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    async def receive(self) -> str:
        data, self.source = await asyncio.get_running_loop().sock_recvfrom(self._socket, 65535)
        return data.decode()

    async def send(self, message: str, port: int) -> None:
        await asyncio.get_running_loop().sock_sendto(self._socket, message.encode(), (LOOPBACK, port))

    async def ask(self, port: int, method: str, user: str, uri: str, *fields: str) -> None:
        """Send a request, with further header fields."""
        number = f"{self.port}-{next(self._numbers)}"
        head = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.server};branch=z9hG4bK{number};rport",
            f"From: <sip:{user}@{LOOPBACK}>;tag={number}",
            f"To: <sip:{user}@{LOOPBACK}>",
            f"Call-ID: {number}",
            f"CSeq: 1 {method}",
            f"Contact: <sip:{user}@{self.server};token=mine>",
            "Max-Forwards: 70",
            *fields,
            "Content-Length: 0",
        ]
        await self.send("\r\n".join(head) + "\r\n\r\n", port)

    async def next(self) -> str:
        """Wait for the next message that is not provisional."""
        async with asyncio.timeout(5):
            while (message := await self.receive()).startswith("SIP/2.0 1"):
                pass
        return message


class Node(Peer):
    """A node that answers OPTIONS and registers everybody, while it is not `dead`."""

    def __init__(self) -> None:
        super().__init__()
        self.dead = False
        self.requests: list[str] = []

    async def run(self) -> None:
        while True:
            message = await self.receive()
            if self.dead or message.startswith("SIP/2.0"):
                continue
            if message.startswith("OPTIONS"):
                status = "404 Not Found"
            else:
                status = "200 OK"
                self.requests.append(message)
            fields = [_tagged(line) for line in message.split("\r\n") if COPIED.match(line)]
            answer = [f"SIP/2.0 {status}", *fields, "Content-Length: 0"]
            await self.send("\r\n".join(answer) + "\r\n\r\n", self.source[1])


def _tagged(field: str) -> str:
    return f"{field};tag=node" if field.startswith("To:") and "tag=" not in field else field


class Front:
    """Two nodes behind Kamailio, and a carrier's address."""

    def __init__(self, proxy: SipProxy, nodes: list[Node], carrier: Peer) -> None:
        self.proxy, self.nodes, self.carrier = proxy, nodes, carrier

    async def registers(self, device: Peer, *fields: str) -> tuple[Node, str]:
        """Register a device; return its node and the request that came there."""
        before = [len(node.requests) for node in self.nodes]
        await device.ask(self.proxy.port, "REGISTER", "loa", f"sip:{self.proxy.server}", *fields)
        assert (await device.next()).startswith("SIP/2.0 200")
        (node,) = [one for one, count in zip(self.nodes, before, strict=True) if len(one.requests) > count]
        return node, node.requests[-1]


@pytest_asyncio.fixture(loop_scope="module")
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    nodes, carrier, port = [Node(), Node()], Peer(), free_port(socket.SOCK_DGRAM, socket.SOCK_STREAM)
    async with AsyncExitStack() as stack:
        for node in nodes:
            await stack.enter_async_context(in_background(node.run()))
        servers = [node.server for node in nodes]
        proxy = await stack.enter_async_context(sip_proxy(tmp_path / "kamailio", port, servers, [carrier.server]))
        yield Front(proxy, nodes, carrier)


async def test_registration_has_the_path_of_the_proxy_alone(front: Front) -> None:
    device = Peer()
    _, request = await front.registers(device, "Path: <sip:192.0.2.1;lr>")
    paths = re.findall(r"^Path: (.*)\r$", request, re.MULTILINE)
    assert paths == [f"<sip:{front.proxy.server};lr;received=sip:{device.server}>"]
    assert "Supported: path" in request, "or Asterisk answers 420"


async def test_call_of_a_node_reaches_the_device_that_registered(front: Front) -> None:
    device = Peer()
    node, request = await front.registers(device)
    (path,) = re.findall(r"^Path: (.*)\r$", request, re.MULTILINE)
    await node.ask(front.proxy.port, "INVITE", "node", "sip:loa@192.0.2.9;token=mine", f"Route: {path}")
    assert (await device.next()).startswith("INVITE sip:loa@192.0.2.9;token=mine ")


async def test_calls_are_taken_from_carriers_and_registered_devices_alone(front: Front) -> None:
    device, stranger, number = Peer(), Peer(), f"sip:1022@{front.proxy.server}"
    _, request = await front.registers(device)
    (path,) = re.findall(r"^Path: (.*)\r$", request, re.MULTILINE)
    answers = []
    for peer, user, fields in (
        (device, "loa", ()),
        (device, "another", ()),
        (stranger, "0977000111", ()),
        (stranger, "0977000111", (f"Route: {path}",)),
        (front.carrier, "0977000111", ()),
    ):
        await peer.ask(front.proxy.port, "INVITE", user, number, *fields)
        answers.append((await peer.next()).split(" ")[1])
    assert answers == ["200", "403", "403", "403", "200"]


async def test_another_node_takes_the_registration_of_a_dead_one(front: Front) -> None:
    device = Peer()
    node, _ = await front.registers(device)
    again, _ = await front.registers(device)
    assert again is node, "a device stays with its node"
    node.dead = True
    began = time.monotonic()
    other, _ = await front.registers(device)
    assert other is not node
    assert time.monotonic() - began < FAILOVER_SECONDS
