"""Sign of life of the application for the dialplan, which works alone when the last one is too old.

Asterisk notices a lost connection by itself, but not an application that has stopped working (a loop, a slow disk).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError

VARIABLE = "SIGN_OF_LIFE"
"""Global variable of the dialplan with the time of the last sign of life."""
EVERY_SECONDS = 1.0
VALID_SECONDS = 3


async def show(client: AriClient) -> None:
    """Show one sign of life: Asterisk's time, which may differ from ours. Raises AriError."""
    epoch = (await client.request(operations.GET_VARIABLE, variable="EPOCH"))["value"]
    await client.request(operations.SET_VARIABLE, variable=VARIABLE, value=epoch)


async def keep_showing(client: AriClient, works: Callable[[], Awaitable[bool]]) -> None:
    """Show signs of life until cancelled, while connected and as long as `works` returns True in time."""
    while True:
        await client.connected.wait()
        with contextlib.suppress(AriError):
            if await works():
                await show(client)
        await asyncio.sleep(EVERY_SECONDS)
