"""Change notification for open pages: one watcher for all of them, and an event stream for each.

A stream only says *that* something changed, and the level on the air; the page then fetches its content. Heartbeats
and other writes that no page shows do not trigger an update. A stream occupies a thread, so their number is limited
per account and in total; a page without one polls every half minute.
"""

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.now.level_events import LevelEvents
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.schedule.models import Occurrence, Schedule
from feedback.models import Case
from haichieu.alarms import Alarm
from haichieu.background import for_ever
from haichieu.changes import changes
from haichieu.database import Database

STREAMS = 40
STREAMS_OF_AN_ACCOUNT = 6
SIGN_OF_LIFE_SECONDS = 10.0
LEVEL_SECONDS = 0.5
"""Interval between levels."""
BREATH_SECONDS = 0.5
"""Minimum interval between two notifications of one page."""
NEWS = b"event: changed\ndata: 1\n\n"
SIGN_OF_LIFE = b": still here\n\n"


class TooManyStreams(Exception):
    """All streams are in use; the page has to poll."""


@dataclass(eq=False)
class Stream:
    """One open stream. `is_over` is set when the account has opened too many newer ones."""

    account_id: int
    is_over: bool = False


class Pulse:
    """Counter of visible changes, started by the first listener."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._news = threading.Condition()
        self._count = 0
        self._seen = ""
        self._watcher: threading.Thread | None = None
        self._open: list[Stream] = []

    def open_stream(self, account_id: int) -> Stream:
        """Take a stream; the account's oldest makes room for it. Raises TooManyStreams.

        A closed page is only noticed with the next heartbeat, and its user must not be locked out.
        """
        with self._news:
            own = [stream for stream in self._open if stream.account_id == account_id]
            if len(own) >= STREAMS_OF_AN_ACCOUNT:
                own[0].is_over = True
                self._open.remove(own[0])
                self._news.notify_all()
            elif len(self._open) >= STREAMS:
                raise TooManyStreams
            stream = Stream(account_id)
            self._open.append(stream)
            if self._watcher is None or not self._watcher.is_alive():
                self._watcher = threading.Thread(target=self._watch, daemon=True, name="pulse")
                self._watcher.start()
        return stream

    def close_stream(self, stream: Stream) -> None:
        """Return a stream; one that is over was returned already."""
        with self._news:
            if stream in self._open:
                self._open.remove(stream)

    def events(self, stream: Stream, still_in: Callable[[], bool], levels: LevelEvents) -> Iterator[bytes]:
        """Yield one event at once, in case the page missed a change, then one per change, with heartbeats and levels.

        Ends when the stream is over, or when `still_in`, called with every heartbeat, returns false.
        """
        told, sounding = -1, False
        alive_at = time.monotonic()
        while True:
            count = self._wait(stream, told, LEVEL_SECONDS if sounding else SIGN_OF_LIFE_SECONDS)
            if stream.is_over:
                return
            if count != told:
                told = count
                yield NEWS
                sounding = levels.look_again()
                time.sleep(BREATH_SECONDS)  # changes in this interval are reported as one; the page must not miss any
            elif not sounding or time.monotonic() - alive_at >= SIGN_OF_LIFE_SECONDS:
                if not still_in():
                    return
                alive_at = time.monotonic()
                yield SIGN_OF_LIFE
            yield from levels.now()

    def _wait(self, stream: Stream, told: int, seconds: float) -> int:
        """Wait until there are more changes than the page knows, or its stream is over; return the count."""
        with self._news:
            self._news.wait_for(lambda: stream.is_over or self._count != told, seconds)
            return self._count

    @property
    def count(self) -> int:
        """Return the number of counted changes."""
        return self._count

    def count_of_streams(self) -> int:
        """Return the number of open streams."""
        with self._news:
            return len(self._open)

    def _watch(self) -> None:
        asyncio.run(for_ever(self._count_changes))

    async def _count_changes(self) -> None:
        async for _ in changes(self._database):
            shown = await self._database.look(_what_is_shown)
            if shown != self._seen:
                with self._news:
                    self._seen = shown
                    self._count += 1
                    self._news.notify_all()


def _what_is_shown(session: Session) -> str:
    """Return a digest of what pages show live; it is computed after every commit and must be cheap."""
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
        sa.select(sa.func.max(Programme.id), sa.func.count()).where(Programme.state == ProgrammeState.SUBMITTED),
        sa.select(sa.func.max(Alarm.id), sa.func.count(Alarm.cleared_at)),
        sa.select(sa.func.max(Occurrence.id), sa.func.max(Schedule.updated_at)).select_from(Schedule).outerjoin(
            Occurrence, Occurrence.schedule_id == Schedule.id
        ),
    )  # fmt: skip
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr([tuple(row) for row in session.execute(part)]).encode())
    return digest.hexdigest()
