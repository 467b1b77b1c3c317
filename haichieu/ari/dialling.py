"""Outgoing calls: dial an endpoint and wait for the answer."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping

from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import NotAnswered
from haichieu.phone_numbers import normalise


@contextlib.asynccontextmanager
async def dial(
    client: AriClient,
    endpoint: str,
    *,
    timeout: float,
    caller_number: str = "",
    called_number: str = "",
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[Call]:
    """Call an endpoint and yield the answered call; it is hung up at the end of the block.

    `timeout` is in seconds. Raises NotAnswered with the Q.850 cause.
    """
    call = Call(client, f"out-{uuid.uuid4().hex}", normalise(called_number), called_number)
    async with call:
        try:
            async with asyncio.timeout(timeout + 1.0):
                await call.place(
                    endpoint, role="outbound", timeout=timeout, variables={**_shows(caller_number), **(variables or {})}
                )
                await call.answered()
        except TimeoutError:
            raise NotAnswered(NotAnswered.NO_ANSWER, "no answer") from None
        await call.leave_dial_bridge()
        yield call


def _shows(number: str) -> dict[str, str]:
    """Return the variables that make `number` the caller id of a channel that is about to be dialled."""
    return {"CALLERID(num)": number, "CONNECTEDLINE(num,i)": number} if number else {}
