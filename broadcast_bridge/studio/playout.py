"""Playout: begins and ends broadcasts that are due by schedule or on request.

It looks at the rows (`playout_look`) after every change and at every due time. `schedule`, `starting` and `catch_up`
decide which broadcast begins on which speakers; the studio plays it.
"""

import asyncio
import datetime
import uuid
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.starting import Taken
from broadcast_bridge.schedule.dispatch import BookedCall
from broadcast_bridge.studio.playout_look import News, PlayoutLook
from broadcast_bridge.studio.studio import Studio
from haichieu.ari.client import AriClient
from haichieu.background import Tasks, for_ever
from haichieu.changes import AWAY_SECONDS, changes_and_hours
from haichieu.database import Database
from haichieu.errors import HaiChieuError, shown
from haichieu.node_clock import NodeClock

log = structlog.get_logger()


class Playout:
    """Runs the broadcasts of one studio on time."""

    def __init__(
        self,
        client: AriClient,
        database: Database,
        studio: Studio,
        book: Callable[[BookedCall, str], None],
        clock: NodeClock | None = None,
    ) -> None:
        """`book` receives the officials to be called, and who claimed their occurrence; it never blocks.

        Broadcasts begin by the `clock` that nodes share, if several do.
        """
        self._client = client
        self._database = database
        self._studio = studio
        self._clock = clock or NodeClock()
        self._book = book
        self._run = f"{studio.node}-{uuid.uuid4().hex[:8]}"
        self._rows = PlayoutLook(self._run, studio.node, has_nodes=not database.is_sqlite)

    async def run(self) -> None:
        """Work until cancelled, and then end the broadcasts on air in order. No error of this loop ends them."""
        async with Tasks() as broadcasts:
            await for_ever(partial(self._follow, broadcasts))

    async def _follow(self, broadcasts: Tasks) -> None:
        async for _ in changes_and_hours(self._database, self._next_hour):
            await self._client.connected.wait()
            try:
                news = await self._look()
            except (sa.exc.DBAPIError, sa.exc.TimeoutError) as problem:
                log.warning("playout.database_unavailable", problem=shown(problem))
                await asyncio.sleep(AWAY_SECONDS)  # what is due stays due: without a pause, a full disk would spin
                continue
            for broadcast_id, taken in news.begin:  # first: their rows are committed, and nothing may lose them
                broadcasts.begin(self._air(broadcast_id, taken))
            for broadcast_id in news.parts:
                broadcasts.begin(
                    self._air(broadcast_id, Taken({number: list(ids) for number, ids in news.taken.items()}))
                )
            self._studio.expects.recorded(news.expected)
            for call in news.booked:
                self._book(call, self._run)
            for broadcast_id, reason in news.stop.items():
                self._studio.stop(broadcast_id, reason)
            if news.concerns_nodes:
                self._studio.follow_sharing(news.alone, news.closed)
                await self._studio.let_move(news.moved)
                await self._studio.admit(news.arrived)
            await self._studio.give_up(news.taken)
            await self._studio.fall_silent(news.acknowledged)
            self._studio.take_back(news.returned)

    async def _next_hour(self) -> datetime.datetime | None:
        on_air, at = self._studio.on_air, self._clock.now()
        return self._clock.local(await self._database.look(lambda session: self._rows.next_hour(session, on_air, at)))

    async def _look(self) -> News:
        """Return what is to be done now; takes the write lock only when there is something to write."""

        def read(session: Session) -> tuple[News, bool]:
            at, on_air = self._clock.now(), self._studio.on_air
            return self._rows.read(session, on_air, at), self._rows.is_something_to_write(session, on_air, at)

        news, is_more = await self._database.look(read)
        if not is_more:
            return news
        try:
            return await self._database.run(
                lambda session: self._rows.write(session, self._studio.on_air, self._clock.now())
            )
        except BaseException:
            self._rows.look_ahead_again()
            raise

    async def _air(self, broadcast_id: int, taken: Taken) -> None:
        try:
            await self._studio.air(broadcast_id, taken)
        except HaiChieuError as problem:
            log.warning("broadcast.failed", broadcast=broadcast_id, problem=shown(problem))
        except Exception:
            log.exception("broadcast.failed", broadcast=broadcast_id)
