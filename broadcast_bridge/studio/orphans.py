"""Clean-up of what a dead switchboard left behind in Asterisk and in the log.

A channel in our application that no handler has claimed, and an open broadcast that is not on air here, are orphans.
The rule applies to the first connection and to every later one.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import broadcast_lifecycle, sharing
from broadcast_bridge.broadcasts.states import Reason
from broadcast_bridge.studio.dial_ahead import BRIDGE as AHEAD
from broadcast_bridge.studio.live_recordings import Recordings
from haichieu.ari import early_recording, operations
from haichieu.ari.call import ANSWERED_BRIDGE
from haichieu.ari.client import APPLICATION, AriClient
from haichieu.ari.errors import AriError
from haichieu.ari.events import Event
from haichieu.ari.playing import playback_ids
from haichieu.database import Database, now

log = structlog.get_logger()

OUR_CHANNELS = ("speaker-", "announcer-", "player-", "out-", "level-", "fan-out-", early_recording.PREFIX)
"""Prefixes of the ids of channels that the station itself creates."""

NOT_ANSWERED = "Ring"
"""State of the channel of an incoming call that is not answered yet."""

OUR_BRIDGES = ("broadcast-", AHEAD, "transfer-", "fan-out-", ANSWERED_BRIDGE)


def orphaned_callers(channels: Sequence[Mapping[str, Any]], claimed: Collection[str]) -> list[Mapping[str, Any]]:
    """Return the channels of callers who wait in our application for a handler that is gone."""
    return [
        channel
        for channel in channels
        if channel["id"] not in claimed
        and not channel["id"].startswith(OUR_CHANNELS)
        and channel["dialplan"]["app_name"] == "Stasis"
        and channel["dialplan"]["app_data"].split(",")[0] == APPLICATION
    ]


def unanswered(channel: Mapping[str, Any]) -> Event | None:
    """Return the arrival of an orphaned caller whom nobody has answered, and who can be served; else None."""
    if channel["state"] != NOT_ANSWERED:
        return None
    return Event("StasisStart", {"args": channel["dialplan"]["app_data"].split(",")[1:], "channel": channel})


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
    is_running: Callable[[int], bool],
) -> None:
    """Hang up every orphaned speaker, and close our orphaned broadcasts with their true result.

    `is_running` is asked again before each is closed: a broadcast may begin meanwhile, and its rows come first.
    """
    leftover = [
        channel["id"]
        for channel in channels
        if channel["id"].startswith(OUR_CHANNELS) and channel["id"] not in client.events.claimed
    ]
    begun = await database.look(lambda session: sharing.begun_by(session, node))
    orphans = [broadcast_id for broadcast_id in begun if not is_running(broadcast_id)]
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
    for broadcast_id in orphans:
        if not is_running(broadcast_id):
            await _close(database, recordings, broadcast_id, reason, node)
    if orphans or leftover:
        log.warning("orphans.cleared", broadcasts=orphans, channels=len(leftover), reason=str(reason))


async def _close(database: Database, recordings: Recordings, broadcast_id: int, reason: Reason, node: str) -> None:
    """Close one orphan; one that cannot be closed stays for the next connection and does not prevent this one."""

    def close(session: Session) -> None:
        if not sharing.end_part(session, broadcast_id, node, broke_off=reason):
            return  # other nodes play it, and one of them closes it
        broadcast_lifecycle.close_orphan(session, broadcast_id, reason, now())
        recordings.collect(session, broadcast_id, stored)

    stored = await asyncio.to_thread(recordings.put, broadcast_id)
    try:
        await database.run(close)
    except (sa.exc.OperationalError, sa.exc.TimeoutError):
        raise  # the database is unavailable: the whole connection is tried again
    except Exception:
        log.exception("orphan.not_closed", broadcast=broadcast_id)


async def _hang_up(client: AriClient, channel_id: str) -> None:
    with contextlib.suppress(AriError):
        await client.request(operations.HANG_UP, channelId=channel_id, reason="normal")
