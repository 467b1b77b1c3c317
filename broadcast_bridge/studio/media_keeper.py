"""Sounds that this node may have to play soon, fetched from the other nodes before they are needed."""

import asyncio
import contextlib
import datetime
from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import BROADCAST
from broadcast_bridge.models import Broadcast, BroadcastSound
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.background import in_thread
from haichieu.changes import changes
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.locale import Message, message
from haichieu.media import Media
from haichieu.media_from_nodes import MediaFromNodes

log = structlog.get_logger()

PAUSE_SECONDS = 1.0
"""After each look, since a busy province commits many times a second."""
AGAIN = datetime.timedelta(seconds=30)
"""Until a file that no node could give is asked for again."""


class MediaKeeper:
    """Fetches the sounds of open broadcasts and of programmes that may be played; the broadcasts come first."""

    def __init__(self, database: Database, files: MediaFromNodes, node: str) -> None:
        self._database = database
        self._files = files
        self._node = node
        self._here: set[int] = set()
        """Media whose files are here."""
        self._again: dict[int, datetime.datetime] = {}
        """When each of those that could not be fetched is asked for again."""

    async def run(self) -> None:
        """Work until cancelled, after every change of rows."""
        async for _ in changes(self._database):
            with contextlib.suppress(sa.exc.DBAPIError, sa.exc.TimeoutError):
                for media in await self._database.look(self._wanted):
                    await self.bring(media)
            await asyncio.sleep(PAUSE_SECONDS)

    async def bring_broadcast(self, broadcast_id: int) -> None:
        """Fetch the sounds of a broadcast that are not here; one that cannot be had is reported when it is played."""
        sounds = sa.select(Media).join(BroadcastSound).where(BroadcastSound.broadcast_id == broadcast_id)
        for media in await self._database.until_read(lambda session: session.scalars(sounds).all()):
            await self.bring(media)

    async def bring(self, media: Media) -> bool:
        """Fetch the files of one row if they are not here; return whether they are. An alarm reports a failure."""
        if media.id in self._here:
            return True
        failed = media.id in self._again
        try:
            await in_thread(partial(self._files.fetch, media))
        except (HaiChieuError, OSError) as problem:
            self._again[media.id] = now() + AGAIN
            why = problem.message if isinstance(problem, HaiChieuError) else Message.verbatim(str(problem))
            await self._database.until_written(partial(self._missing, media=media, why=why))
            return False
        self._here.add(media.id)
        self._again.pop(media.id, None)
        if failed:
            await self._database.until_written(
                lambda session: alarm_is_over(session, AlarmKind.MEDIA_MISSING, self._subject(media))
            )
        return True

    def _wanted(self, session: Session) -> Sequence[Media]:
        at = now()
        open_ones = (
            sa.select(BroadcastSound.media_id)
            .join(Broadcast, Broadcast.id == BroadcastSound.broadcast_id)
            .where(Broadcast.state.not_in(BROADCAST.final_states) | (Broadcast.worth_hearing_until > at))
        )
        in_use = sa.select(Programme.sound_id).where(
            Programme.state != ProgrammeState.WITHDRAWN,
            Programme.valid_until.is_(None) | (Programme.valid_until > at),
        )
        first = Media.id.in_(open_ones)
        found = session.scalars(
            sa.select(Media).where(first | Media.id.in_(in_use)).order_by(first.desc(), Media.id.desc())
        )
        return [one for one in found if one.id not in self._here and self._again.get(one.id, at) <= at]

    def _missing(self, session: Session, media: Media, why: Message) -> None:
        title = session.scalar(sa.select(Programme.title).where(Programme.sound_id == media.id).limit(1))
        title = title or session.scalar(
            sa.select(Broadcast.title)
            .join(BroadcastSound, BroadcastSound.broadcast_id == Broadcast.id)
            .where(BroadcastSound.media_id == media.id)
            .order_by(Broadcast.id.desc())
            .limit(1)
        )
        text = message("base.nodes.media_missing", node=self._node, title=title or str(media.id), why=why)
        raise_alarm(session, AlarmKind.MEDIA_MISSING, self._subject(media), text)

    def _subject(self, media: Media) -> str:
        return f"media:{media.id}@{self._node}"
