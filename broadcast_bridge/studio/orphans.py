"""Clean-up of what a dead switchboard left behind in Asterisk and in the log.

A channel in our application that no handler has claimed, and an open broadcast that is not on air here, are orphans.
The rule applies to the first connection and to every later one.
"""

import asyncio
import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import broadcast_lifecycle
from broadcast_bridge.broadcasts.states import Reason
from broadcast_bridge.studio.live_recordings import Recordings
from haichieu.ari import operations
from haichieu.ari.call import ANSWERED_BRIDGE, playback_ids
from haichieu.ari.client import APPLICATION, AriClient
from haichieu.ari.errors import AriError
from haichieu.database import Database, now

log = structlog.get_logger()

OUR_CHANNELS = ("speaker-", "announcer-", "player-", "out-", "level-")
"""Prefixes of the ids of channels that the station itself creates."""

OUR_BRIDGES = ("broadcast-", "transfer-", ANSWERED_BRIDGE)


def orphaned_callers(channels: Sequence[Mapping[str, Any]], claimed: Collection[str]) -> list[str]:
    """Return the ids of callers who wait in our application for a handler that is gone."""
    return [
        channel["id"]
        for channel in channels
        if channel["id"] not in claimed
        and not channel["id"].startswith(OUR_CHANNELS)
        and channel["dialplan"]["app_name"] == "Stasis"
        and channel["dialplan"]["app_data"].split(",")[0] == APPLICATION
    ]


async def stop_sounds(client: AriClient, callers: Collection[str]) -> None:
    """Stop the sounds that a dead switchboard was playing to callers, since nobody handles their keys."""

    async def stop(playback_id: str) -> None:
        with contextlib.suppress(AriError):
            await client.request(operations.STOP_PLAYBACK, playbackId=playback_id)

    await asyncio.gather(*(stop(playback_id) for caller in callers for playback_id in playback_ids(caller)))


async def clear_orphans(
    client: AriClient,
    database: Database,
    recordings: Recordings,
    channels: Sequence[Mapping[str, Any]],
    node: str,
    on_air: Collection[int],
) -> None:
    """Hang up every orphaned speaker, and close our orphaned broadcasts with their true result."""
    leftover = [
        channel["id"]
        for channel in channels
        if channel["id"].startswith(OUR_CHANNELS) and channel["id"] not in client.events.claimed
    ]
    orphans = await database.run(lambda session: broadcast_lifecycle.running_on(session, node, except_for=on_air))
    for broadcast_id in orphans:
        with contextlib.suppress(AriError):
            await client.request(operations.STOP_RECORDING, recordingName=recordings.name(broadcast_id))
    await asyncio.gather(*(_hang_up(client, channel_id) for channel_id in leftover))
    for bridge in await client.request(operations.LIST_BRIDGES):
        owner = bridge["id"].removeprefix(ANSWERED_BRIDGE)  # such a bridge belongs to the call that is answered
        if bridge["id"].startswith(OUR_BRIDGES) and owner not in client.events.claimed:
            with contextlib.suppress(AriError):
                await client.request(operations.DESTROY_BRIDGE, bridgeId=bridge["id"])
    reason = Reason.SWITCHBOARD_RESTARTED if leftover else Reason.ASTERISK_STOPPED

    def close(session: Session) -> None:
        for broadcast_id in orphans:
            broadcast_lifecycle.close_orphan(session, broadcast_id, reason, now())
        recordings.sweep(session)

    await database.run(close)
    if orphans or leftover:
        log.warning("orphans.cleared", broadcasts=orphans, channels=len(leftover), reason=str(reason))


async def _hang_up(client: AriClient, channel_id: str) -> None:
    with contextlib.suppress(AriError):
        await client.request(operations.HANG_UP, channelId=channel_id, reason="normal")
