"""Requests within a running call: silence that keeps the line open, and a check that the other side is still there."""

import contextlib
from collections.abc import AsyncIterator

from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError


@contextlib.asynccontextmanager
async def comfort(client: AriClient, channel_id: str) -> AsyncIterator[None]:
    """Send silence to a channel during the block, in which nothing else is sent: carriers cut an idle line off.

    The `rtp_keepalive` of Asterisk sends comfort noise (RFC 3389), which no phone of ours negotiates.
    """
    with contextlib.suppress(AriError):
        await client.request(operations.SEND_SILENCE, channelId=channel_id)
    try:
        yield
    finally:
        with contextlib.suppress(AriError):  # the channel may be gone
            await client.request(operations.STOP_SILENCE, channelId=channel_id)


async def check(client: AriClient, channel_id: str) -> None:
    """Ask within the call whether the other side is still there (RFC 3261 §14). Raises AriError.

    Asterisk ends the call when there is no answer, within 64 seconds, or when the other side does not know it.
    """
    await client.request(
        operations.SET_CHANNEL_VARIABLE, channelId=channel_id, variable="PJSIP_SEND_SESSION_REFRESH()", value="invite"
    )
