"""Waiting for news of sources whose dialect allows it: a bulletin arrives within a second, without frequent requests.

One request per source is open at a time, and the source answers it when it has issued something. The exchange stays as
it is; it only becomes due at once.
"""

import asyncio
import contextlib
from functools import partial

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.source_system.dialects import DIALECTS
from broadcast_bridge.source_system.errors import RequestRefused
from broadcast_bridge.source_system.exchange import WaitingDialect
from broadcast_bridge.source_system.models import Source
from broadcast_bridge.source_system.source_links import SourceLinks
from haichieu.background import Tasks
from haichieu.changes import changes
from haichieu.database import Database
from haichieu.errors import HaiChieuError

log = structlog.get_logger()

WAIT_SECONDS = 50.0
"""How long a source keeps a request: shorter than the limits of common proxies."""
LOOK_SECONDS = 15.0
"""How often the list of sources is read."""
AGAIN_SECONDS = 60.0
"""Pause after a failure; the exchange reports it and continues at its own pace."""
UNKNOWN_SECONDS = 3600.0
"""Pause when the source does not know this request: it is asked at its usual pace."""
SHORTEST_WAIT = 1.0
"""A source that answers sooner without news does not keep requests waiting."""


class SourceWatch:
    """Waits for news of every source that is connected, each in a task of its own."""

    def __init__(self, database: Database, links: SourceLinks) -> None:
        self._database = database
        self._links = links
        self._watched: set[int] = set()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with Tasks() as tasks:
            while True:
                for source_id in await self._database.look(_connected):
                    if source_id not in self._watched:
                        self._watched.add(source_id)
                        tasks.begin(self._watch(source_id))
                await asyncio.sleep(LOOK_SECONDS)

    async def _watch(self, source_id: int) -> None:
        try:
            while True:
                pause = await self.wait_once(source_id)
                if source_id not in await self._database.look(_connected):
                    return
                if pause:
                    await asyncio.sleep(pause)
        finally:
            self._watched.discard(source_id)

    async def wait_once(self, source_id: int) -> float:
        """Wait for news of a source, and have it asked at once; return the pause until the next time, in seconds."""
        began = asyncio.get_running_loop().time()
        try:
            async with self._links.wire_to(source_id) as wire:
                name, cursor = await self._database.look(partial(_place, source_id=source_id))
                dialect = DIALECTS.get(name)
                if not isinstance(dialect, WaitingDialect):
                    return UNKNOWN_SECONDS
                if not await dialect.has_news(wire, cursor, WAIT_SECONDS):
                    waited = asyncio.get_running_loop().time() - began
                    return 0.0 if waited >= SHORTEST_WAIT else AGAIN_SECONDS
        except RequestRefused:
            return UNKNOWN_SECONDS
        except HaiChieuError as problem:
            log.info("source.watch_failed", source=source_id, problem=type(problem).__name__)
            return AGAIN_SECONDS
        await self._fetched(source_id, cursor)
        return 0.0

    async def _fetched(self, source_id: int, cursor: str) -> None:
        """Make the exchange due, and return when it has moved on, or has failed."""
        await self._database.run(partial(_make_due, source_id=source_id))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_SECONDS):
                async for _ in changes(self._database):
                    if not await self._database.look(partial(_stays, source_id=source_id, cursor=cursor)):
                        return


def _connected(session: Session) -> list[int]:
    """Return the sources that wait for news and answered last: only the exchange tries the others."""
    waiting = [name for name, dialect in DIALECTS.items() if isinstance(dialect, WaitingDialect)]
    return list(
        session.scalars(
            sa.select(Source.id)
            .where(Source.removed_at.is_(None), Source.dialect.in_(waiting))
            .where(Source.failures == 0, Source.last_ok_at.is_not(None))
        )
    )


def _place(session: Session, source_id: int) -> tuple[str, str]:
    source = session.get_one(Source, source_id)
    return source.dialect, source.cursor


def _stays(session: Session, source_id: int, cursor: str) -> bool:
    source = session.get_one(Source, source_id)
    return source.cursor == cursor and source.failures == 0 and source.removed_at is None


def _make_due(session: Session, source_id: int) -> None:
    session.get_one(Source, source_id).next_poll_at = None
