"""A caller that is cancelled while Asterisk makes something for it: nothing is left behind."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from haichieu.ari import operations
from haichieu.ari.bridge import loudspeaker_bridge
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient


class SlowAsterisk:
    """Makes a bridge or a channel only when told, even if nobody waits for the answer any more."""

    def __init__(self) -> None:
        self.asked, self.may_make = asyncio.Event(), asyncio.Event()
        self.made: set[str] = set()

    async def answer(self, request: web.Request) -> web.Response:
        name = request.query.get("channelId") or request.path.rsplit("/", 1)[-1]
        if request.method == "DELETE":
            status = 204 if name in self.made else 404
            self.made.discard(name)
            return web.Response(status=status)
        self.asked.set()
        await asyncio.shield(self._make(name))
        return web.json_response({})

    async def _make(self, name: str) -> None:
        await self.may_make.wait()
        self.made.add(name)


async def bridge(client: AriClient) -> None:
    async with loudspeaker_bridge(client, "a"):
        await asyncio.Event().wait()


async def dial_bridge(client: AriClient) -> None:
    await Call(client, "a", None, "").leave_dial_bridge()


async def channel(client: AriClient) -> None:
    async with Call(client, "a", None, "") as call:
        await call.place("PJSIP/a", role="speaker", timeout=5)


@pytest.mark.parametrize("work", [bridge, dial_bridge, channel])
async def test_what_asterisk_makes_for_a_cancelled_caller_is_ended(
    work: Callable[[AriClient], Coroutine[Any, Any, None]],
) -> None:
    asterisk = SlowAsterisk()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", asterisk.answer)
    async with TestServer(application) as server, AriClient("127.0.0.1", server.port or 0, "x", print) as client:
        working = asyncio.create_task(work(client))
        await asyncio.wait_for(asterisk.asked.wait(), 10)
        working.cancel()
        asyncio.get_running_loop().call_later(
            0.1, asterisk.may_make.set
        )  # one that did not wait asks for the end first
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(working, 10)
        await asyncio.wait_for(asterisk.may_make.wait(), 10)
        await asyncio.sleep(0)
        assert asterisk.made == set()


def test_every_request_that_makes_something_is_known() -> None:
    makes = {name for name, one in vars(operations).items() if getattr(one, "makes", False)}
    assert makes == {"CREATE_BRIDGE", "CREATE_CHANNEL", "SNOOP"}
