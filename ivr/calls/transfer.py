"""Transfer of a caller to a telephone that the station rings."""

import asyncio
import contextlib
import uuid
from collections.abc import Sequence

from haichieu.ari import operations
from haichieu.ari.bridge import Bridge
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.dialling import Leg, dial
from haichieu.ari.errors import AriError, HungUp, NotAnswered


async def transfer_call(
    client: AriClient, caller: Call, legs: Sequence[Leg], *, ring_seconds: float, shows: str
) -> None:
    """Ring a telephone, connect both, and return when the other side has hung up.

    `shows` is the caller ID that is presented. Raises NotAnswered, or HungUp after ending the other leg when the caller
    leaves.
    """
    await caller.ring()
    talk = asyncio.create_task(_talk(client, caller, legs, ring_seconds, shows))
    left = asyncio.create_task(caller.until_hung_up())
    try:
        await asyncio.wait({talk, left}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (talk, left):
            if not task.done():
                task.cancel()
        await asyncio.gather(talk, left, return_exceptions=True)
    if not left.cancelled():
        left.result()
    caller.forget_keys()
    with contextlib.suppress(AriError):
        await caller.stop_ringing()
    try:
        talk.result()
    except HungUp as problem:  # the other side, while it was connected: the caller is still there
        raise NotAnswered(NotAnswered.NO_ANSWER, "hung up at once") from problem


async def _talk(client: AriClient, caller: Call, legs: Sequence[Leg], ring_seconds: float, shows: str) -> None:
    async with dial(client, legs, timeout=ring_seconds, caller_number=shows) as other:
        with contextlib.suppress(AriError):
            await caller.stop_ringing()
        bridge = Bridge(client, f"transfer-{uuid.uuid4().hex}")
        try:
            await client.request(operations.CREATE_BRIDGE, bridgeId=bridge.id, type="mixing", name=bridge.id)
            await bridge.add([caller.id, other.id])
            with contextlib.suppress(HungUp):
                await other.until_hung_up()
        finally:
            with contextlib.suppress(AriError):  # a caller who hung up has left the bridge already
                await bridge.remove(caller.id)
            bridge.release()
            with contextlib.suppress(AriError):
                await client.request(operations.DESTROY_BRIDGE, bridgeId=bridge.id)
