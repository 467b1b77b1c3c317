"""Requests within a running call: silence that keeps the line open, a check of the other side, RTP statistics."""

import contextlib
from collections.abc import AsyncIterator, Mapping

from haichieu.ari import operations
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, NoMedia, NoSuchThing

_NO_MEDIA = "RTP info not found"


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


async def leave_to_asterisk(client: AriClient, call: Call) -> None:
    """Let the dialplan serve a call that has just arrived, as it does without the application; it is ours no more."""
    call.hung_up = True  # what follows must not hang it up
    await client.request(operations.CONTINUE, channelId=call.id, context="inbound", extension="s", label="alone")


async def rtp_statistics(client: AriClient, channel_id: str) -> Mapping[str, float]:
    """Return the RTP statistics of a call as Asterisk gives them. Raises NoMedia or another AriError."""
    try:
        figures: Mapping[str, float] = await client.request(operations.RTP_STATISTICS, channelId=channel_id)
    except NoSuchThing as refusal:
        if _NO_MEDIA in str(refusal.message.fields["text"]):
            raise NoMedia(refusal.status, str(refusal.message.fields["operation"]), _NO_MEDIA) from refusal
        raise
    return figures
