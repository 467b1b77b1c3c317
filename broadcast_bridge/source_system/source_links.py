"""The worker's exchange with every source: fetch what it issued, report the speakers, send the reports.

Each item and each report is one transaction, and the cursor moves after the items of its batch: whatever is interrupted
is repeated, and what is repeated is recognised.
"""

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import aiohttp
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session, selectinload

from broadcast_bridge.source_system import bulletin_intake, bulletin_steps, day_counts, report_queue
from broadcast_bridge.source_system.dialects import DIALECTS
from broadcast_bridge.source_system.errors import AnswerNotUnderstood, RequestRefused
from broadcast_bridge.source_system.exchange import Access, Dialect, Issued, Item, Token, Unusable, Wire
from broadcast_bridge.source_system.http_wire import CLOCKS_DIFFER, HttpWire
from broadcast_bridge.source_system.models import Source
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError, shown
from haichieu.locale import Message, message
from haichieu.vault import Vault
from haichieu.work_runner import WorkRunner

log = structlog.get_logger()

EXCHANGE_SECONDS = 120.0
"""Limit of one exchange; the next one continues."""
LEASE = datetime.timedelta(seconds=EXCHANGE_SECONDS + 30)
LONGEST_BACK_OFF = datetime.timedelta(minutes=5)
SILENT = datetime.timedelta(hours=1)
"""How long a source may be away without an alarm."""
MOST_BATCHES = 50
REPORTS_AT_ONCE = 100


@dataclass(frozen=True)
class _Known:
    """What an exchange needs to know about a source."""

    access: Access
    dialect: Dialect
    cursor: str


class SourceLinks(WorkRunner[int]):
    """Exchanges with the sources that are due, each by itself: one that is away does not delay the others."""

    at_once = 4

    def __init__(self, database: Database, vault: Vault) -> None:
        super().__init__(database)
        self._vault = vault
        self._client: aiohttp.ClientSession | None = None
        self._tokens: dict[int, Token] = {}

    async def run(self) -> None:
        """Work until cancelled, over connections that are kept open."""
        async with aiohttp.ClientSession() as self._client:
            await super().run()

    def claim(self, session: Session, most: int) -> list[int]:
        """Claim the sources that are due. If this process dies, another one claims them after the lease."""
        at = now()
        due = session.scalars(
            sa.select(Source)
            .where(Source.removed_at.is_(None), Source.next_poll_at.is_(None) | (Source.next_poll_at <= at))
            .order_by(Source.next_poll_at, Source.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        ).all()
        for source in due:
            source.next_poll_at = at + LEASE
        return [source.id for source in due]

    async def next_due(self) -> datetime.datetime | None:
        """Return when the next source is due."""
        return await self._database.look(_next_due)

    async def handle(self, work: int) -> None:
        """Exchange with one source, and store how it went."""
        problem: Message | None = None
        ahead: datetime.timedelta | None = None
        try:
            async with asyncio.timeout(EXCHANGE_SECONDS), self.wire_to(work) as wire:
                try:
                    await self._exchange(work, wire)
                finally:
                    ahead = wire.clock_ahead
        except HaiChieuError as refusal:
            problem = refusal.message
        except TimeoutError:
            problem = message("source.too_slow", seconds=int(EXCHANGE_SECONDS))
        await self._database.run(partial(_remember, source_id=work, problem=problem, ahead=ahead, at=now()))

    async def failed(self, work: int, problem: Exception) -> None:
        """Try again later after an error of ours."""
        log.error("source.exchange_failed", source=work, exc_info=problem)
        why = Message.verbatim(type(problem).__name__)
        await self._database.until_written(partial(_remember, source_id=work, problem=why, ahead=None, at=now()))

    @asynccontextmanager
    async def wire_to(self, source_id: int) -> AsyncIterator[HttpWire]:
        """Open the wire to a source; its token is used again by the next one."""
        known = await self._database.look(partial(_known, source_id=source_id, vault=self._vault))
        async with self._connections() as client:
            wire = HttpWire(client, known.access, known.dialect, self._tokens.get(source_id))
            try:
                yield wire
            finally:
                if wire.token is not None:
                    self._tokens[source_id] = wire.token
                else:
                    self._tokens.pop(source_id, None)

    @asynccontextmanager
    async def _connections(self) -> AsyncIterator[aiohttp.ClientSession]:
        if self._client is not None and not self._client.closed:
            yield self._client
            return
        async with aiohttp.ClientSession() as client:
            yield client

    async def _exchange(self, source_id: int, wire: Wire) -> None:
        known = await self._database.look(partial(_known, source_id=source_id, vault=self._vault))
        await self._fetch(source_id, wire, known)
        devices = await self._database.look(partial(report_queue.device_states, source_id=source_id))
        await known.dialect.report_devices(wire, devices, now())
        await self._send(source_id, wire, known.dialect)

    async def _fetch(self, source_id: int, wire: Wire, known: _Known) -> None:
        cursor = known.cursor
        for _ in range(MOST_BATCHES):
            batch = await known.dialect.fetch(wire, cursor)
            for item in batch.items:
                await self._database.run(partial(_take, source_id=source_id, item=item, at=now()))
            if batch.cursor == cursor:
                return
            cursor = batch.cursor
            await self._database.run(partial(_move_cursor, source_id=source_id, cursor=cursor))
            if not batch.more:
                return

    async def _send(self, source_id: int, wire: Wire, dialect: Dialect) -> None:
        """Send the reports in their order. One that the source refuses again and again is set aside."""
        await self._database.run(partial(_collect, source_id=source_id, at=now()))
        while waiting := await self._database.look(
            partial(report_queue.waiting, source_id=source_id, most=REPORTS_AT_ONCE)
        ):
            for one in waiting:
                try:
                    await dialect.send(wire, one.report)
                except RequestRefused as refusal:
                    refused = partial(report_queue.mark_refused, row_id=one.row_id, problem=refusal.message)
                    if not await self._database.run(refused):
                        raise
                else:
                    await self._database.run(partial(report_queue.mark_sent, row_id=one.row_id, at=now()))


def _next_due(session: Session) -> datetime.datetime | None:
    sources = session.execute(sa.select(Source.next_poll_at).where(Source.removed_at.is_(None))).scalars().all()
    return min((now() if one is None else one for one in sources), default=None)


def _known(session: Session, source_id: int, vault: Vault) -> _Known:
    source = session.get_one(Source, source_id)
    access = Access(
        name=source.name, address=source.address, username=source.username,
        password=vault.unlock(source.password_locked), external_id=source.external_id, station=source.unit.name,
        file_hosts=tuple(source.file_hosts),
    )  # fmt: skip
    if source.dialect not in DIALECTS:
        raise AnswerNotUnderstood("source.unknown_dialect", dialect=source.dialect)
    return _Known(access, DIALECTS[source.dialect], source.cursor)


def _take(session: Session, source_id: int, item: Item, at: datetime.datetime) -> None:
    """Store an item; one that cannot be stored is reported, and the others go ahead."""
    source = session.get_one(Source, source_id, options=[selectinload(Source.places)])
    try:
        with session.begin_nested():
            bulletin_intake.take(session, source, item, at)
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError):
        raise  # not about this item: the batch is fetched again
    except Exception as problem:
        log.exception("source.item_failed", source=source.code)
        name = _id_of(item) if isinstance(item, Issued | Unusable) else ""  # no bulletin is to be made of a command
        bulletin_intake.take(session, source, Unusable(name, Message.verbatim(shown(problem))), at)


def _id_of(item: Issued | Unusable) -> str:
    return item.external_id.encode(errors="replace").decode().replace("\x00", "?")


def _move_cursor(session: Session, source_id: int, cursor: str) -> None:
    session.get_one(Source, source_id).cursor = cursor


def _collect(session: Session, source_id: int, at: datetime.datetime) -> None:
    source = session.get_one(Source, source_id)
    bulletin_steps.settle(session, source_id, at)
    report_queue.add_logs(session, source, at)
    day_counts.add(session, source, at)


def _remember(
    session: Session,
    source_id: int,
    problem: Message | None,
    ahead: datetime.timedelta | None,
    at: datetime.datetime,
) -> None:
    """Store how an exchange went, and when the next one is due."""
    source = session.get_one(Source, source_id)
    subject = f"source:{source.code}"
    source.asked_since = source.asked_since or at
    since = source.last_ok_at or source.asked_since
    source.last_problem = problem
    wait = datetime.timedelta(seconds=source.poll_seconds)
    if problem is None:
        if at - since >= SILENT:
            source.asked_since = at
        source.failures, source.last_ok_at = 0, at
        alarm_is_over(session, AlarmKind.SOURCE_SILENT, subject)
    else:
        source.failures += 1
        wait = max(wait, min(wait * 2 ** min(source.failures, 10), LONGEST_BACK_OFF))
        if at - since >= SILENT:
            text = message("source.silent", source=source.name, since=since, problem=problem)
            raise_alarm(session, AlarmKind.SOURCE_SILENT, subject, text)
    if ahead is not None:
        _compare_clocks(session, source, ahead)
    source.next_poll_at = at + wait


def _compare_clocks(session: Session, source: Source, ahead: datetime.timedelta) -> None:
    """Raise an alarm while the clocks differ: a bulletin would expire too early or too late."""
    subject = f"source:{source.code}:clock"
    if abs(ahead) <= CLOCKS_DIFFER:
        alarm_is_over(session, AlarmKind.SOURCE_DEFECTIVE, subject)
        return
    text = message("source.clock", source=source.name, minutes=round(ahead.total_seconds() / 60))
    raise_alarm(session, AlarmKind.SOURCE_DEFECTIVE, subject, text)
