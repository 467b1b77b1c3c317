"""An Asterisk, a phone registered with it, and a client that hands over the calls which arrive."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from dialplans.accounts import ha1, phone_account
from dialplans.configuration import ari_password
from haichieu.ari import sign_of_life
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.events import Event
from haichieu.background import in_background
from haichieu.demo.softphone.controller import SoftPhone
from tests.haichieu.ari.gateway import Gateway, gateway
from tests.lone_asterisk import LoneAsterisk, lone_asterisk

PASSWORD = "a-secret-nobody-guesses"


@dataclass
class Line:
    """A phone, and the application at the other end of it."""

    asterisk: LoneAsterisk
    client: AriClient
    gateway: Gateway
    phone: SoftPhone
    arriving: "asyncio.Queue[Call]"
    connections: list[list[Mapping[str, Any]]]
    losses: list[None]

    async def call(self) -> Call:
        """A call from the phone, answered."""
        await self.phone.dial("1900")
        call = await asyncio.wait_for(self.arriving.get(), 5)
        await call.answer()
        await self.phone.take("answered", timeout=5)
        return call


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Line]:
    """A line on which one call at a time can be made."""
    account = phone_account("phone", ha1("phone", PASSWORD), "101")
    async with AsyncExitStack() as stack:
        asterisk = await stack.enter_async_context(lone_asterisk(tmp_path_factory.mktemp("ari"), [account]))
        passing = await stack.enter_async_context(gateway(asterisk.settings.ari_port))
        arriving: asyncio.Queue[Call] = asyncio.Queue()

        def take(event: Event) -> None:
            if event.type == "StasisStart":
                arriving.put_nowait(Call.arriving(client, event))

        client = AriClient("127.0.0.1", passing.port, ari_password(asterisk.settings), take)
        await stack.enter_async_context(client)
        connections: list[list[Mapping[str, Any]]] = []
        losses: list[None] = []

        async def connected(channels: list[Mapping[str, Any]]) -> None:
            connections.append(channels)
            await sign_of_life.show(client)

        async def lost() -> None:
            losses.append(None)

        await stack.enter_async_context(
            in_background(
                client.run(connected, lost), sign_of_life.keep_showing(client, partial(asyncio.sleep, 0, True))
            )
        )
        await asyncio.wait_for(client.connected.wait(), 10)
        phone = SoftPhone(server=asterisk.server, id="phone", password=PASSWORD)
        await stack.enter_async_context(phone)
        await phone.registered()
        yield Line(asterisk, client, passing, phone, arriving, connections, losses)
