"""The clips of a broadcast, and waiting for those that the worker is still speaking."""

import asyncio
from collections.abc import Sequence

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.spoken_rests import is_being_spoken
from broadcast_bridge.models import Broadcast
from broadcast_bridge.studio.recorded_sound import Clip
from haichieu.ari.errors import NotPlayed
from haichieu.changes import changes
from haichieu.database import Database
from haichieu.media import MediaStore

log = structlog.get_logger()

PART_SECONDS = 30.0
"""A part that takes longer than this is not waited for: the loudspeakers are silent meanwhile."""


def clips_of(session: Session, store: MediaStore, broadcast: Broadcast) -> tuple[Clip, ...]:
    """Return the sounds of a broadcast that are there."""
    return tuple(Clip(str(store.path(sound.media).with_suffix("")), sound.media.seconds) for sound in broadcast.sounds)


async def more_clips(database: Database, store: MediaStore, broadcast_id: int, known: int) -> Sequence[Clip]:
    """Wait until a broadcast has more than `known` clips, and return these; none when nothing more is spoken.

    Raises NotPlayed after `PART_SECONDS`.
    """

    def look(session: Session) -> tuple[Sequence[Clip], bool]:
        being_spoken = is_being_spoken(session, broadcast_id)  # first: the last part ends it
        return clips_of(session, store, session.get_one(Broadcast, broadcast_id))[known:], being_spoken

    try:
        async with asyncio.timeout(PART_SECONDS):
            async for _ in changes(database):
                try:
                    found, being_spoken = await database.look(look)
                except (sa.exc.DBAPIError, sa.exc.TimeoutError):
                    continue  # `changes` reports when the database is back
                if found or not being_spoken:
                    return found
    except TimeoutError:
        log.error("broadcast.part_missing", broadcast=broadcast_id, parts=known)
    raise NotPlayed("broadcast.part_missing")
