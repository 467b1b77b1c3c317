"""Telling open pages that something changed: one watcher for all of them, and a stream of events for each.

A stream says only *that* there is news; the page then asks for what it shows. Heartbeats and other writes that no page
shows are no news. A stream holds a thread, so there are only so many, for one account and for all; a page without one
asks every half minute.
"""

import asyncio
import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.schedule.models import Occurrence, Schedule
from feedback.models import Case
from haichieu.alarms import Alarm
from haichieu.changes import changes
from haichieu.database import Database

log = structlog.get_logger()

STREAMS = 40
STREAMS_OF_AN_ACCOUNT = 6
SIGN_OF_LIFE_SECONDS = 15.0
NEWS = b"event: changed\ndata: 1\n\n"
SIGN_OF_LIFE = b": still here\n\n"


class TooManyStreams(Exception):
    """As many pages are open live as can be; another has to ask from time to time."""


class Pulse:
    """Counts the changes of what pages show, from the first listener on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._news = threading.Condition()
        self._count = 0
        self._seen = ""
        self._watcher: threading.Thread | None = None
        self._open: Counter[int] = Counter()

    @contextmanager
    def listening(self, account_id: int) -> Iterator[None]:
        """Take one of the streams. Raises TooManyStreams."""
        with self._news:
            if self._open.total() >= STREAMS or self._open[account_id] >= STREAMS_OF_AN_ACCOUNT:
                raise TooManyStreams
            self._open[account_id] += 1
            if self._watcher is None or not self._watcher.is_alive():
                self._watcher = threading.Thread(target=self._watch, daemon=True, name="pulse")
                self._watcher.start()
        try:
            yield
        finally:
            with self._news:
                self._open[account_id] -= 1

    def events(self, still_in: Callable[[], bool]) -> Iterator[bytes]:
        """News at once, since the page may have missed some, then with every change, and signs of life between.

        Ends when `still_in`, asked with every sign of life, says no.
        """
        told = -1
        while True:
            with self._news:
                self._news.wait_for(lambda told=told: self._count != told, SIGN_OF_LIFE_SECONDS)  # type: ignore[misc]
                count = self._count
            if count == told and not still_in():
                return
            yield SIGN_OF_LIFE if count == told else NEWS
            told = count

    def _watch(self) -> None:
        try:
            asyncio.run(self._count_changes())
        except Exception:
            log.exception("pulse.failed")  # the next listener starts another watcher; pages ask by themselves meanwhile

    async def _count_changes(self) -> None:
        async for _ in changes(self._database):
            shown = await self._database.run(_what_is_shown)
            if shown != self._seen:
                with self._news:
                    self._seen = shown
                    self._count += 1
                    self._news.notify_all()


def _what_is_shown(session: Session) -> str:
    """A digest of what pages show live; cheap, since it is made after every commit."""
    open_states = ("planned", "calling", "on_air")
    parts = (
        sa.select(Broadcast.id, Broadcast.state, Broadcast.due_at, Broadcast.stop_asked_at)
        .where(Broadcast.state.in_(open_states))
        .order_by(Broadcast.id),
        sa.select(Delivery.state, sa.func.count()).where(Delivery.active).group_by(Delivery.state).order_by("state"),
        sa.select(sa.func.count(), sa.func.max(Broadcast.id)).select_from(Broadcast),
        sa.select(sa.func.count(), sa.func.max(Speaker.reachable_since))
        .select_from(Speaker)
        .where(Speaker.reachable, Speaker.removed_at.is_(None)),
        sa.select(sa.func.max(Case.id), sa.func.max(Case.updated_at)),
        sa.select(sa.func.max(Alarm.id), sa.func.count(Alarm.cleared_at)),
        sa.select(sa.func.max(Occurrence.id), sa.func.max(Schedule.updated_at)).select_from(Schedule).outerjoin(
            Occurrence, Occurrence.schedule_id == Schedule.id
        ),
    )  # fmt: skip
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr([tuple(row) for row in session.execute(part)]).encode())
    return digest.hexdigest()
