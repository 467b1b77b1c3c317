"""Playout: begins and ends broadcasts that are due by schedule or on request.

It queries the rows after every change and at every due time. `schedule`, `starting` and `catch_up` decide which
broadcast begins on which speakers; the studio plays it.
"""

import datetime
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import acknowledgement, catch_up, rejoining, starting
from broadcast_bridge.broadcasts.due_broadcasts import begin_due
from broadcast_bridge.broadcasts.starting import Taken
from broadcast_bridge.models import Broadcast
from broadcast_bridge.schedule import dispatch
from broadcast_bridge.schedule.dispatch import BookedCall
from broadcast_bridge.studio.studio import Studio
from haichieu.ari.client import AriClient
from haichieu.background import Tasks, for_ever
from haichieu.changes import changes_and_hours
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError, shown
from haichieu.set_aside import or_set_aside

log = structlog.get_logger()


@dataclass(frozen=True)
class _News:
    """What is to be done now, according to the rows."""

    begin: Sequence[tuple[int, Taken]]
    booked: Sequence[BookedCall]
    stop: Sequence[int]
    taken: Mapping[int, Sequence[int]]
    acknowledged: Mapping[int, Sequence[int]]
    returned: Mapping[int, Sequence[int]]


class Playout:
    """Runs the broadcasts of one studio on time."""

    def __init__(
        self, client: AriClient, database: Database, studio: Studio, book: Callable[[BookedCall, str], None]
    ) -> None:
        """`book` receives the officials to be called, and who claimed their occurrence; it never blocks."""
        self._client = client
        self._database = database
        self._studio = studio
        self._book = book
        self._run = f"{studio.node}-{uuid.uuid4().hex[:8]}"
        self._edition: tuple[object, ...] = ()
        self._ahead_at = now()

    async def run(self) -> None:
        """Work until cancelled, and then end the broadcasts on air in order. No error of this loop ends them."""
        async with Tasks() as broadcasts:
            await for_ever(partial(self._follow, broadcasts))

    async def _follow(self, broadcasts: Tasks) -> None:
        async for _ in changes_and_hours(self._database, self._next_hour):
            await self._client.connected.wait()
            try:
                news = await self._database.run(self._look)
            except (sa.exc.DBAPIError, sa.exc.TimeoutError) as problem:
                log.warning("playout.database_unavailable", problem=shown(problem))
                continue
            for broadcast_id, taken in news.begin:  # first: their rows are committed, and nothing may lose them
                broadcasts.begin(self._air(broadcast_id, taken))
            for call in news.booked:
                self._book(call, self._run)
            for broadcast_id in news.stop:
                self._studio.stop(broadcast_id)
            await self._studio.give_up(news.taken)
            await self._studio.fall_silent(news.acknowledged)
            self._studio.take_back(news.returned)

    async def _next_hour(self) -> datetime.datetime | None:
        def look(session: Session) -> datetime.datetime | None:
            at = now()
            begins = (starting.next_due(session, at), catch_up.next_try(session, at), dispatch.next_hour(session))
            return min(hour for hour in (*begins, self._ahead_at) if hour)

        return await self._database.look(look)

    def _look(self, session: Session) -> _News:
        at, node, on_air = now(), self._studio.node, self._studio.on_air
        self._look_ahead(session, at)
        booked = dispatch.put_on_air(session, self._run, at)
        begun = begin_due(session, node, at)
        again = or_set_aside(session, "catch_up", lambda: catch_up.begin(session, at, node)) or ()
        stop = session.scalars(
            sa.select(Broadcast.id).where(Broadcast.id.in_(on_air), Broadcast.stop_asked_at.is_not(None))
        )
        return _News(
            [*begun, *((broadcast.id, Taken()) for broadcast in again)],
            booked,
            list(stop),
            rejoining.taken_away(session, on_air),
            acknowledgement.silenced(session, on_air),
            rejoining.give_back(session, on_air),
        )

    def _look_ahead(self, session: Session, at: datetime.datetime) -> None:
        """Create the occurrences of the coming days when a schedule has changed, and at intervals."""
        if (edition := dispatch.edition(session)) != self._edition or at >= self._ahead_at:
            dispatch.look_ahead(session, at)
            self._edition, self._ahead_at = edition, at + dispatch.LOOK_AHEAD_EVERY

    async def _air(self, broadcast_id: int, taken: Taken) -> None:
        try:
            await self._studio.air(broadcast_id, taken)
        except HaiChieuError as problem:
            log.warning("broadcast.failed", broadcast=broadcast_id, problem=shown(problem))
        except Exception:
            log.exception("broadcast.failed", broadcast=broadcast_id)
