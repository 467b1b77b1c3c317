"""Polling of alert feeds over HTTP, with back-off and a stored result per source.

Every entry is passed to `decisions.receive` in its own transaction, so that a bad one does not affect the others.
Entries are fetched from the feed's own host only: a feed cannot send the station to other addresses.
"""

import asyncio
import datetime
import functools
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.authenticity import EnvelopedSignature, FetchedFrom, Proof
from broadcast_bridge.alerts.decisions import receive
from broadcast_bridge.alerts.errors import AlertRefused, AlertTooLarge, SentInFuture
from broadcast_bridge.alerts.feed_documents import LARGEST_FEED, Entry, read_feed
from broadcast_bridge.alerts.hostile_xml import LARGEST_ALERT
from broadcast_bridge.alerts.hosts import same_host
from broadcast_bridge.alerts.models import AlertSource, DecisionKind
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.locale import Field, Message, message

REQUEST_SECONDS = 20.0
POLL_SECONDS = 120.0
"""Limit of one poll with all its entries; the next poll continues with the rest."""
MOST_REDIRECTS = 3
LONGEST_BACK_OFF = datetime.timedelta(minutes=5)
"""A failing feed is polled less often, but often enough to hear of a flood before it is over."""
LOOK_SECONDS = 5.0
LONGEST_HEADER = 300
LONGEST_PROBLEM = 1000

log = structlog.get_logger()


class FeedUnreachable(HaiChieuError):
    """The feed, or one of its entries, could not be fetched."""


@dataclass(frozen=True)
class Poll:
    """The result of one poll: the decision about each new entry, and the problems."""

    decisions: tuple[DecisionKind, ...] = ()
    problems: tuple[Message, ...] = ()


@dataclass(frozen=True)
class _Feed:
    """The data of a source that a poll needs."""

    source_id: int
    url: str
    etag: str
    modified: str
    seen: frozenset[str]
    signed: bool


@dataclass(frozen=True)
class _Answer:
    url: str
    status: int
    body: bytes
    etag: str
    modified: str


async def watch_feeds(database: Database, clock: Callable[[], datetime.datetime] = now) -> None:
    """Poll every feed when it is due, until cancelled. Several processes may do so at once."""
    async with aiohttp.ClientSession() as client:
        while True:
            try:
                await poll_due(database, client, clock())
            except Exception:
                # The database may be unavailable for a moment; polling must continue.
                log.exception("feeds.failed")
            await asyncio.sleep(LOOK_SECONDS)


async def poll_due(database: Database, client: aiohttp.ClientSession, at: datetime.datetime) -> dict[int, Poll]:
    """Poll the feeds that are due, concurrently, and raise alarms for silent ones."""
    due = await database.run(functools.partial(_claim, at=at))
    polls = await asyncio.gather(*(poll(database, client, source_id, at) for source_id in due))
    await database.run(functools.partial(raise_silence, at=at))
    return dict(zip(due, polls, strict=True))


async def poll(database: Database, client: aiohttp.ClientSession, source_id: int, at: datetime.datetime) -> Poll:
    """Poll one feed now. Never raises for faults of the other side: these are in the result and in the source's row."""
    feed = await database.look(functools.partial(_feed, source_id=source_id))
    handled: dict[str, DecisionKind] = {}
    problems: list[Message] = []
    answer: _Answer | None = None
    listed: list[Entry] | None = None
    try:
        async with asyncio.timeout(POLL_SECONDS):
            answer = await _fetch(client, feed.url, LARGEST_FEED, feed)
            listed = read_feed(answer.body, answer.url) if answer.status == 200 else []
            for entry in listed:
                if entry.key not in feed.seen:
                    await _take(database, client, feed, entry, at, handled, problems)
    except (FeedUnreachable, AlertRefused) as problem:
        problems.append(problem.message)
    except TimeoutError:
        problems.append(message("alert.feed.too_slow", seconds=int(POLL_SECONDS)))
    seen = feed.seen
    if listed:
        seen = feed.seen & {entry.key for entry in listed} | handled.keys()
    if listed is None:
        answer = None
    await database.run(
        functools.partial(_remember, source_id=source_id, at=at, answer=answer, seen=seen, problems=problems)
    )
    return Poll(tuple(handled.values()), tuple(problems))


def raise_silence(session: Session, at: datetime.datetime) -> None:
    """Raise an alarm for every enabled feed that could not be read for longer than its limit."""
    feeds = sa.select(AlertSource).where(AlertSource.enabled, AlertSource.feed_url != "")
    for source in session.scalars(feeds):
        last = source.last_ok_at or source.feed_since
        if last is not None and at - last > datetime.timedelta(minutes=source.silent_minutes):
            text = message("alert.feed.silent", since=last)
            if source.last_problem is not None:
                text = message("alert.feed.silent_because", since=last, problem=source.last_problem)
            raise_alarm(session, AlarmKind.FEED_SILENT, f"alert-source:{source.code}", text)


async def _take(
    database: Database,
    client: aiohttp.ClientSession,
    feed: _Feed,
    entry: Entry,
    at: datetime.datetime,
    handled: dict[str, DecisionKind],
    problems: list[Message],
) -> None:
    """Process one entry; one that cannot be fetched or stored is tried again at the next poll."""
    if not entry.url:
        problems.append(message("alert.feed.no_address", url=feed.url))
        handled[entry.key] = DecisionKind.REFUSE
        return
    try:
        url, alert = entry.url, entry.alert
        if alert is None:
            fetched = await _fetch(client, entry.url, LARGEST_ALERT, feed, conditional=False)
            url, alert = fetched.url, fetched.body
        else:
            url = feed.url
        proof: Proof = EnvelopedSignature() if feed.signed else FetchedFrom(url)
        kind, refusal = await database.run(functools.partial(_receive, feed.source_id, alert, proof, at))
    except FeedUnreachable as problem:
        problems.append(problem.message)
    except AlertTooLarge as problem:
        problems.append(problem.message)
        handled[entry.key] = DecisionKind.REFUSE
        await database.run(functools.partial(_report_too_large, source_id=feed.source_id, url=entry.url, why=problem))
    except Exception as problem:
        log.exception("feed.entry_failed", source=feed.source_id, url=entry.url)
        problems.append(message("alert.feed.entry", url=entry.url, problem=str(problem)))
    else:
        if refusal is not None:
            problems.append(refusal.message)
        if not isinstance(refusal, SentInFuture):  # it becomes valid in a few minutes
            handled[entry.key] = kind


def _report_too_large(session: Session, source_id: int, url: str, why: AlertTooLarge) -> None:
    source = session.get_one(AlertSource, source_id)
    problem = message("alert.feed.entry", url=url[:LONGEST_PROBLEM], problem=why.message)
    text = message("alert.unusable", problem=problem)
    raise_alarm(session, AlarmKind.ALERT_DEFECTIVE, f"alert-source:{source.code}", text)


def _receive(
    source_id: int, alert: bytes, proof: Proof, at: datetime.datetime, session: Session
) -> tuple[DecisionKind, AlertRefused | None]:
    decision = receive(session, session.get_one(AlertSource, source_id), alert, proof, at)
    return decision.kind, decision.refusal


async def _fetch(
    client: aiohttp.ClientSession, url: str, limit: int, feed: _Feed, *, conditional: bool = True
) -> _Answer:
    """Get a document of at most `limit` bytes from the feed's own host. Raises FeedUnreachable or AlertTooLarge."""
    headers = {"Accept": "application/cap+xml, application/atom+xml, application/rss+xml, application/xml;q=0.9"}
    if conditional and feed.etag:
        headers["If-None-Match"] = feed.etag
    if conditional and feed.modified:
        headers["If-Modified-Since"] = feed.modified
    for _ in range(MOST_REDIRECTS + 1):
        _require_own_host(url, feed.url)
        try:
            async with client.get(
                url, headers=headers, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS)
            ) as response:
                if response.status in (301, 302, 303, 307, 308):
                    url = urljoin(url, response.headers.get("Location", ""))
                    continue
                if response.status != 200 and not (conditional and response.status == 304):
                    raise FeedUnreachable("alert.feed.http_status", url=url, status=response.status)
                return _Answer(
                    url,
                    response.status,
                    await _body(response, limit),
                    _sent_back(response.headers.get("ETag", "")),
                    _sent_back(response.headers.get("Last-Modified", "")),
                )
        except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
            said = f"{type(problem).__name__} {problem}".strip()
            raise FeedUnreachable("alert.feed.unreachable", url=url, problem=said) from problem
    raise FeedUnreachable("alert.feed.redirects", url=feed.url, limit=MOST_REDIRECTS)


def _sent_back(header: str) -> str:
    """Return a header value if it is safe to store and send again, otherwise "": the feed is then read in full."""
    return header if len(header) <= LONGEST_HEADER and header.isascii() and header.isprintable() else ""


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > limit:
            raise AlertTooLarge(limit)
    return bytes(body)


def _require_own_host(url: str, feed_url: str) -> None:
    if not same_host(url, feed_url):
        raise FeedUnreachable("alert.feed.other_host", url=url[:200])


def _claim(session: Session, at: datetime.datetime) -> list[int]:
    """Claim the feeds that are due. If this process dies, another one claims them after the time of a poll."""
    due = session.scalars(
        sa.select(AlertSource)
        .where(AlertSource.enabled, AlertSource.feed_url != "", AlertSource.next_poll_at <= at)
        .order_by(AlertSource.next_poll_at, AlertSource.id)
        .with_for_update(skip_locked=True)
    ).all()
    for source in due:
        source.next_poll_at = at + datetime.timedelta(seconds=POLL_SECONDS + REQUEST_SECONDS)
    return [source.id for source in due]


def _feed(session: Session, source_id: int) -> _Feed:
    source = session.get_one(AlertSource, source_id)
    return _Feed(
        source_id=source.id,
        url=source.feed_url,
        etag=source.feed_etag,
        modified=source.feed_modified,
        seen=frozenset(source.feed_seen),
        signed=bool(source.certificate),
    )


def _remember(
    session: Session,
    source_id: int,
    at: datetime.datetime,
    answer: _Answer | None,
    seen: frozenset[str],
    problems: list[Message],
) -> None:
    """Store the result in the source's row; `answer` is None when the feed itself could not be read."""
    source = session.get_one(AlertSource, source_id)
    source.last_problem = _storable(problems[0]) if problems else None
    source.feed_seen = sorted(seen)
    wait = datetime.timedelta(seconds=source.feed_seconds)
    if answer is None:
        source.failures += 1
        wait = max(wait, min(wait * 2 ** min(source.failures, 10), LONGEST_BACK_OFF))
    else:
        source.failures = 0
        source.last_ok_at = at
        if answer.status == 200:
            # While an entry is still to be tried, the whole list must be fetched again, changed or not.
            source.feed_etag = "" if problems else answer.etag
            source.feed_modified = "" if problems else answer.modified
    source.next_poll_at = at + wait


def _storable(problem: Message) -> Message:
    """Return the message with shortened texts and without what no database stores: lone surrogates and NUL."""
    return Message(problem.key, {name: _storable_field(value) for name, value in problem.fields.items()})


def _storable_field(value: Field) -> Field:
    match value:
        case Message():
            return _storable(value)
        case str():
            return value[:LONGEST_PROBLEM].encode(errors="replace").decode().replace("\0", "?")
        case _:
            return value
