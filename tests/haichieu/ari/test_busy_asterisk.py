"""An Asterisk with more to do than it can: calls in progress come before new ones, and before those that end."""

import asyncio
import datetime
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from haichieu.ari import client as ari_client
from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.demo.trial_station import until

THE_PAST = 5.0


class Asterisk:
    """Sends what the test says as events, and ends channels only when told."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[str] = asyncio.Queue()
        self.may_end = asyncio.Event()
        self.ending = 0

    def happened(self, seconds_ago: float) -> None:
        """Send an event that happened that long ago, written as Asterisk does."""
        at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds_ago)
        written = at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
        self.events.put_nowait(json.dumps({"type": "Dial", "timestamp": written, "peer": {"id": "somebody"}}))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/ari/events":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            while True:
                await socket.send_str(await self.events.get())
        if request.method == "DELETE":
            self.ending += 1
            await self.may_end.wait()
        return web.json_response([])


@asynccontextmanager
async def connected(asterisk: Asterisk) -> AsyncIterator[AriClient]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", asterisk.answer)

    async def nothing(*_: object) -> None:
        """Reconcile nothing, and mourn nothing."""

    async with TestServer(application) as server, AriClient("127.0.0.1", server.port or 0, "x", print) as client:
        running = asyncio.create_task(client.run(nothing, nothing))
        await asyncio.wait_for(client.connected.wait(), 10)
        yield client
        asterisk.may_end.set()
        running.cancel()
        await asyncio.wait([running])


async def seen(client: AriClient, *, late: bool) -> None:
    """Wait until the client has noticed an event that came late, or one that did not."""
    await until(lambda: (client._late_at is not None) == late, "the client has seen the event", 10)


async def test_late_events_hold_new_calls_back_until_one_is_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ari_client, "LATE_FOR_SECONDS", 3600.0)
    asterisk = Asterisk()
    async with connected(asterisk) as client:
        await client.until_prompt()
        asterisk.happened(THE_PAST)
        await seen(client, late=True)
        waiting = asyncio.create_task(client.until_prompt())
        await asyncio.sleep(0)
        assert not waiting.done()
        asterisk.happened(0.0)
        await asyncio.wait_for(waiting, 10)


async def test_late_event_that_none_follows_is_soon_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ari_client, "LATE_FOR_SECONDS", 0.0)
    asterisk = Asterisk()
    async with connected(asterisk) as client:
        asterisk.happened(THE_PAST)
        await seen(client, late=True)
        await asyncio.wait_for(client.until_prompt(), 10)


async def test_requests_of_calls_do_not_wait_for_hundreds_that_end() -> None:
    asterisk = Asterisk()
    async with connected(asterisk) as client:
        ending = [
            asyncio.create_task(client.request(operations.HANG_UP, channelId=f"speaker-{number}"))
            for number in range(200)
        ]
        await until(lambda: asterisk.ending >= ari_client.MAX_CONNECTIONS // 2, "as many end as may at once", 10)
        assert await asyncio.wait_for(client.request(operations.LIST_CHANNELS), 10) == []
        asterisk.may_end.set()
        await asyncio.gather(*ending)
