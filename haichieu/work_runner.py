"""Work runner: one loop and one error policy for all work that rows ask for, whether jobs or calls."""

import asyncio
import datetime
from abc import ABC, abstractmethod
from functools import partial
from typing import ClassVar, Generic, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from haichieu.background import Tasks, for_ever, kept_going
from haichieu.changes import AWAY_SECONDS, hours
from haichieu.database import Database

log = structlog.get_logger()

W = TypeVar("W")


class WorkRunner(ABC, Generic[W]):
    """Claims pieces of work as soon as they are due and there is room, and handles each in a task of its own.

    An error in one piece affects neither the others nor the loop; an error in the loop, whatever it is, ends no piece.
    While a piece is handled, `hold` runs for ever, which extends its lease.
    """

    at_once: ClassVar[int] = 1
    """Number of pieces that are handled concurrently."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @abstractmethod
    def claim(self, session: Session, most: int) -> list[W]:
        """Claim up to `most` pieces of work that are due."""

    @abstractmethod
    async def handle(self, work: W) -> None:
        """Do one piece of work and settle it."""

    @abstractmethod
    async def next_due(self) -> datetime.datetime | None:
        """Return when there is something to claim; None when nothing is waiting."""

    async def failed(self, work: W, problem: Exception) -> None:
        """React to an error of `handle`."""
        log.error("work.failed", kind=type(self).__name__, exc_info=problem)

    async def cancelled(self, work: W) -> None:
        """React to the end of the process during `handle`."""

    async def hold(self, work: W) -> None:
        """Extend the claim until cancelled, or until it is lost."""

    async def ready(self) -> None:
        """Wait until work can be handled at all."""

    async def run(self) -> None:
        """Work until cancelled."""
        async with Tasks() as tasks:
            await for_ever(partial(self._follow, tasks))

    async def step(self) -> int:
        """Handle the work that is due, at most `at_once`; return how much that was."""
        async with Tasks() as tasks:
            begun = await self._begin_due(tasks)
            await tasks.all_ended()
        return begun

    async def _follow(self, tasks: Tasks) -> None:
        async for _ in hours(self._database, self.next_due):
            try:
                while await self._begin_when_ready(tasks):
                    pass
            except (sa.exc.DBAPIError, sa.exc.TimeoutError) as problem:
                log.warning("work.database_away", kind=type(self).__name__, problem=type(problem).__name__)
                await asyncio.sleep(AWAY_SECONDS)

    async def _begin_when_ready(self, tasks: Tasks) -> int:
        await self.ready()
        return await self._begin_due(tasks)

    async def _begin_due(self, tasks: Tasks) -> int:
        room = await tasks.room(self.at_once)
        claimed = await self._database.run(lambda session: self.claim(session, room))
        for work in claimed:
            tasks.begin(self._attempt(work))
        return len(claimed)

    async def _attempt(self, work: W) -> None:
        try:
            async with kept_going(partial(self.hold, work)):
                await self.handle(work)
        except asyncio.CancelledError:
            await self.cancelled(work)
            raise
        except Exception as problem:
            await self.failed(work, problem)
