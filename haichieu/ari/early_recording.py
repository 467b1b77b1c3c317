"""Recording of a caller's own voice while the station speaks to them.

Asterisk records a channel only while it plays nothing there. A second channel that listens to the caller alone (a snoop
in direction `in`) is recorded instead, so that the station's prompt is not in the recording.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from haichieu.ari import operations
from haichieu.ari.client import APPLICATION, AriClient
from haichieu.ari.errors import AriError
from haichieu.ari.events import Claim
from haichieu.spool import EARLY

log = structlog.get_logger()

PREFIX = EARLY
"""Prefix of the ids of these channels, which are also the names of their recordings."""
STARTS_SECONDS = 2.0
FILE_CLOSES_SECONDS = 2.0
_ENDS = frozenset({"RecordingFinished", "RecordingFailed"})


@contextlib.asynccontextmanager
async def recorded_meanwhile(client: AriClient, channel_id: str, name: str, max_seconds: int) -> AsyncIterator[None]:
    """Record what the caller says during the block to `<spool>/recording/<name>.wav`, at most for `max_seconds`.

    The file is closed at the end of the block. When the caller hangs up, it is closed a moment later. The block runs in
    any case: a recording that Asterisk does not begin is only logged.
    """
    with client.events.claim(name) as claim:
        running = await _begin(client, claim, channel_id, name, max_seconds)
        try:
            yield
        except BaseException:
            await _hang_up(client, name)
            raise
        if running:
            with contextlib.suppress(AriError):  # it may have ended by itself: the disk is full, the time is up
                await client.request(operations.STOP_RECORDING, recordingName=name)
                await _until(claim, _ENDS, FILE_CLOSES_SECONDS)
        await _hang_up(client, name)


async def _begin(client: AriClient, claim: Claim, channel_id: str, name: str, max_seconds: int) -> bool:
    try:
        await client.request(
            operations.SNOOP, channelId=channel_id, snoopId=name, spy="in", app=APPLICATION, appArgs="early", body=None
        )
        await _until(claim, frozenset({"StasisStart"}), STARTS_SECONDS)
        await client.request(
            operations.RECORD, channelId=name, name=name, format="wav", ifExists="overwrite",
            maxDurationSeconds=str(max_seconds), maxSilenceSeconds="0", terminateOn="none", beep="false", body=None,
        )  # fmt: skip
    except AriError as problem:
        log.warning("call.not_recorded_early", call=channel_id, problem=type(problem).__name__)
        return False
    return True


async def _until(claim: Claim, types: frozenset[str], seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await claim.queue.get()).type not in types:
                pass


async def _hang_up(client: AriClient, name: str) -> None:
    with contextlib.suppress(AriError):
        await client.request(operations.HANG_UP, channelId=name, reason="normal")
