"""Calls to a device that do not come from its server."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from haichieu.demo.trial_station import free_port
from haichieu.sip.address import SocketAddress
from haichieu.sip.direct_invite import DirectAnswer, call_directly

pytestmark = pytest.mark.asyncio

Behaviour = Callable[[str], tuple[str, ...]]
"""The statuses that a device sends for a request of this method."""


class Device(asyncio.DatagramProtocol):
    """A SIP device on a port of loopback."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.requests: list[str] = []
        self._behaviour = behaviour
        self._invite = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode()
        method = text.partition(" ")[0]
        self.requests.append(text)
        if method == "INVITE":
            self._invite = text
        for status in self._behaviour(method):
            # "487" ends the INVITE, though a CANCEL brings it about
            about = self._invite if status.startswith("487") else text
            kept = re.findall(r"(?im)^(?:via|from|call-id|cseq|to):[^\r]*", about)
            answer = [f"SIP/2.0 {status}", *(f"{line};tag=d" if line.startswith("To:") else line for line in kept)]
            self._transport.sendto("\r\n".join([*answer, "Content-Length: 0", "", ""]).encode(), addr)

    @property
    def methods(self) -> list[str]:
        return [text.partition(" ")[0] for text in self.requests]


@asynccontextmanager
async def device(behaviour: Behaviour) -> AsyncIterator[tuple[Device, SocketAddress]]:
    loop = asyncio.get_running_loop()
    transport, made = await loop.create_datagram_endpoint(lambda: Device(behaviour), local_addr=("127.0.0.1", 0))
    try:
        yield made, SocketAddress(*transport.get_extra_info("sockname"))
    finally:
        transport.close()


def answering(**statuses: tuple[str, ...]) -> Behaviour:
    return lambda method: statuses.get(method, ())


@pytest.mark.parametrize(
    ("behaviour", "answer", "methods"),
    [
        (answering(INVITE=("100 Trying", "200 OK")), DirectAnswer.ANSWERED, ["INVITE", "ACK", "BYE"]),
        (
            answering(INVITE=("180 Ringing",), CANCEL=("200 OK", "487 Request Terminated")),
            DirectAnswer.RANG,
            ["INVITE", "CANCEL", "ACK"],
        ),
        (answering(INVITE=("401 Unauthorized",)), DirectAnswer.REFUSED, ["INVITE", "ACK"]),
        (answering(INVITE=("100 Trying", "486 Busy Here")), DirectAnswer.REFUSED, ["INVITE", "ACK"]),
        (answering(INVITE=("100 Trying",)), DirectAnswer.SILENT, ["INVITE", "CANCEL"]),
    ],
    ids=["answers", "rings", "asks for a password", "refuses", "only tries"],
)
async def test_what_a_device_does_is_recognised_and_its_call_is_ended(
    behaviour: Behaviour, answer: DirectAnswer, methods: list[str]
) -> None:
    async with device(behaviour) as (called, address):
        assert await call_directly(address, "cb-1", patience=0.3) is answer
        await asyncio.sleep(0.05)
    assert called.methods == methods
    assert len({re.search(r"Call-ID: \S+", text)[0] for text in called.requests}) == 1  # type: ignore[index]
    assert "m=audio" in called.requests[0]


async def test_a_device_that_is_not_reached_is_silent() -> None:
    async with device(answering()) as (called, address):
        assert await call_directly(address, "cb-1", patience=0.8) is DirectAnswer.SILENT
    assert called.methods.count("INVITE") == 2
    nobody = SocketAddress("127.0.0.1", free_port(socket.SOCK_DGRAM))
    assert await call_directly(nobody, "cb-1", patience=0.8) is DirectAnswer.SILENT
