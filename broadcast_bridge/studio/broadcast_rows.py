"""Rows of a running broadcast, written in order and retried until they are written.

Nothing on air waits for them or ends because of them. What a speaker reported is forgotten only after the commit.
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.broadcast_lifecycle import DeliveryUpdate, apply_updates
from broadcast_bridge.studio.speaker_leg import SpeakerLeg
from haichieu.background import Tasks
from haichieu.database import Database
from haichieu.errors import HaiChieuError

T = TypeVar("T")
P = TypeVar("P")

CLOSING_SECONDS = 10.0
"""A caller waits this long for the result; the switchboard has 15 seconds to end."""


class NotClosedYet(HaiChieuError):
    """The end of a broadcast could not be written yet; it will be as soon as the database is available."""


class BroadcastRows:
    """Writes the rows of one broadcast. Its writes belong to `tasks`, which outlive the broadcast."""

    def __init__(self, database: Database, tasks: Tasks, broadcast_id: int) -> None:
        self.legs: Sequence[SpeakerLeg] = ()
        """The speakers of the broadcast."""
        self._database = database
        self._tasks = tasks
        self._broadcast_id = broadcast_id
        self.common: Callable[[datetime.datetime], datetime.datetime] = lambda at: at
        """Converts a moment of this machine to the time of all nodes."""
        self._turn = asyncio.Lock()

    def write(self, work: Callable[[Session], None]) -> None:
        """Write in turn, without waiting for it."""
        self._tasks.begin(self._written(work))

    async def report(self) -> None:
        """Write what has changed at the speakers. When cancelled, it is written all the same."""
        if any(leg.dirty for leg in self.legs):
            await asyncio.wait([self._tasks.begin(self._report())])

    async def close(
        self, prepare: Callable[[], Awaitable[P]], work: Callable[[Session, P], T], closed: Callable[[], None]
    ) -> T:
        """Write the last reports and the end, then call `closed`. `prepare` comes before the transaction.

        Raises NotClosedYet after `CLOSING_SECONDS`, while it is still tried.
        """

        async def close() -> T:
            try:
                await self._report()
                prepared = await prepare()
                return await self._written(lambda session: work(session, prepared))
            finally:
                closed()

        closing = self._tasks.begin(close())
        await asyncio.wait([closing], timeout=CLOSING_SECONDS)
        if not closing.done():
            raise NotClosedYet("broadcast.not_closed_yet", broadcast=self._broadcast_id)
        return closing.result()

    async def _written(self, work: Callable[[Session], T]) -> T:
        async with self._turn:
            return await self._database.until_written(work)

    async def _report(self) -> None:
        async with self._turn:
            reports = [(leg, leg.report()) for leg in self.legs if leg.dirty]
            updates = [self._in_common_time(report) for _, report in reports]
            if updates:
                await self._database.until_written(lambda session: apply_updates(session, updates))
            for leg, _ in reports:
                leg.reported()

    def _in_common_time(self, report: DeliveryUpdate) -> DeliveryUpdate:
        first = report.first_audio_at
        return report if first is None else replace(report, first_audio_at=self.common(first))
