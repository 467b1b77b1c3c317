"""Bulletins of the province by phone: implements `ProvinceDesk` over the source systems."""

import asyncio
import datetime
from functools import partial
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.source_system import by_phone, offered
from broadcast_bridge.source_system.by_phone import DeclineReason
from broadcast_bridge.source_system.models import Bulletin
from broadcast_bridge.source_system.states import BulletinState, First
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.station import the_station
from ivr.desks.protocols import OfferedSeen

log = structlog.get_logger()


class OfficialBulletins:
    """The desk of every call. A decision is committed even when the caller hangs up meanwhile."""

    def __init__(self, database: Database, store: MediaStore) -> None:
        self._database = database
        self._store = store

    async def count(self, official_id: int) -> int:
        """Return how many wait; 0 without a database, since the menu also leads to emergencies."""
        try:
            return len(await self._database.look(lambda session: by_phone.waiting_for(session, official_id, now())))
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as problem:
            log.warning("bulletins.not_counted", problem=type(problem).__name__)
            return 0

    async def waiting(self, official_id: int) -> list[int]:
        def look(session: Session) -> list[int]:
            by_phone.require_right(session, official_id)
            return by_phone.waiting_for(session, official_id, now())

        return await self._database.look(look)

    async def open(self, official_id: int, bulletin_id: int) -> OfferedSeen | None:
        def look(session: Session) -> OfferedSeen | None:
            if bulletin_id not in by_phone.waiting_for(session, official_id, now()):
                return None
            return self._seen(session, session.get_one(Bulletin, bulletin_id))

        return await self._database.look(look)

    async def accept(self, official_id: int, bulletin_id: int, *, called_back: bool) -> None:
        work = partial(by_phone.accept, official_id=official_id, number=bulletin_id, at=now(), called_back=called_back)
        await asyncio.shield(self._database.run(work))

    async def schedule(
        self, official_id: int, bulletin_id: int, clock: datetime.time | None, *, called_back: bool
    ) -> datetime.datetime:
        work = partial(
            by_phone.schedule, official_id=official_id, number=bulletin_id, clock=clock, at=now(),
            called_back=called_back,
        )  # fmt: skip
        return await asyncio.shield(self._database.run(work))

    async def decline(self, official_id: int, bulletin_id: int, reason: DeclineReason) -> None:
        work = partial(by_phone.decline, official_id=official_id, number=bulletin_id, reason=reason, at=now())
        await asyncio.shield(self._database.run(work))

    async def decide(self, official_id: int, bulletin_id: int, *, source_first: bool) -> None:
        first = First.SOURCE if source_first else First.COMMUNE
        work = partial(by_phone.decide, official_id=official_id, number=bulletin_id, first=first, at=now())
        await asyncio.shield(self._database.run(work))

    def _seen(self, session: Session, bulletin: Bulletin) -> OfferedSeen:
        sound = bulletin.audio
        found = OfferedSeen(
            bulletin.id,
            bulletin.title,
            bulletin.author or bulletin.source.name,
            round(sound.seconds) if sound is not None else 0,
            str(self._store.path(sound).with_suffix("")) if sound is not None else "",
        )
        meeting = offered.to_decide(bulletin, now()) if bulletin.state != BulletinState.OFFERED else None
        if meeting is None or meeting.rival_begins is None or meeting.decide_by is None:
            return found
        zone = ZoneInfo(the_station(session).timezone)
        return OfferedSeen(
            found.id, found.title, found.source, found.seconds, found.sound, meeting.rival,
            meeting.rival_begins.astimezone(zone), meeting.decide_by.astimezone(zone),
        )  # fmt: skip
