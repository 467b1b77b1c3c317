"""Telling open pages that something changed: one watcher for all of them, and a stream of events for each.

A stream says only *that* there is news, and how loud it is on the air; the page then asks for what it shows. Heartbeats
and other writes that no page shows are no news. A stream holds a thread, so there are only so many, for one account and
for all; a page without one asks every half minute.
"""

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from admin.now.level_events import LevelEvents
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.schedule.models import Occurrence, Schedule
from feedback.models import Case
from haichieu.alarms import Alarm
from haichieu.changes import changes
from haichieu.database import Database

log = structlog.get_logger()

STREAMS = 40
STREAMS_OF_AN_ACCOUNT = 6
SIGN_OF_LIFE_SECONDS = 10.0
LEVEL_SECONDS = 0.5
"""Between two levels of what is on air."""
BREATH_SECONDS = 0.5
"""Between two pieces of news to one page."""
NEWS = b"event: changed\ndata: 1\n\n"
SIGN_OF_LIFE = b": still here\n\n"


class TooManyStreams(Exception):
    """As many pages are open live as can be; another has to ask from time to time."""


@dataclass(eq=False)
class Stream:
    """One open stream. `is_over` once the account has opened newer ones than it may have."""

    account_id: int
    is_over: bool = False


class Pulse:
    """Counts the changes of what pages show, from the first listener on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._news = threading.Condition()
        self._count = 0
        self._seen = ""
        self._watcher: threading.Thread | None = None
        self._open: list[Stream] = []

    def open_stream(self, account_id: int) -> Stream:
        """Take one of the streams; the account's oldest makes room for it. Raises TooManyStreams.

        A page that was left is only noticed with the next sign of life: who goes to and fro must not be locked out.
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
        """Give a stream back; one that is over was given back already."""
        with self._news:
            if stream in self._open:
                self._open.remove(stream)

    def events(self, stream: Stream, still_in: Callable[[], bool], levels: LevelEvents) -> Iterator[bytes]:
        """News at once, since the page may have missed some, then with every change; signs of life and levels between.

        Ends when the stream is over, or when `still_in`, asked with every sign of life, says no.
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
                time.sleep(BREATH_SECONDS)  # what happens meanwhile is told as one; the page must not drop any of it
            elif not sounding or time.monotonic() - alive_at >= SIGN_OF_LIFE_SECONDS:
                if not still_in():
                    return
                alive_at = time.monotonic()
                yield SIGN_OF_LIFE
            yield from levels.now()

    def _wait(self, stream: Stream, told: int, seconds: float) -> int:
        """Wait until there is more news than a page was told, or its stream is over; return how much there is."""
        with self._news:
            self._news.wait_for(lambda: stream.is_over or self._count != told, seconds)
            return self._count

    @property
    def count(self) -> int:
        """How many changes were counted."""
        return self._count

    def count_of_streams(self) -> int:
        """How many are open."""
        with self._news:
            return len(self._open)

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
