"""Watch for news: for each browser a row and a job per notice, in one transaction; several at once become one."""

import asyncio
import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from admin.notices.models import NoticeKind, PushNotice, PushSubscription
from admin.notices.news import News, news_of, probe
from admin.notices.subscriptions import all_valid, wanted
from haichieu import jobs
from haichieu.account_rights import units_of
from haichieu.changes import changes
from haichieu.database import Database, now
from haichieu.errors import shown
from haichieu.jobs import Job
from haichieu.locale import message
from haichieu.people import Account

log = structlog.get_logger()

PUSH = "push"
"""The kind of job that sends one notice."""
AT_MOST_OLD = datetime.timedelta(hours=1)
"""What is older is no news: a station that was off does not report yesterday."""
KEPT = datetime.timedelta(days=2)
"""How long a row is remembered, so that nothing is sent twice; longer than anything is news."""
SINGLY = 3
"""More than this at once are sent as one notice with their number."""
PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class ToSend:
    """What one browser has not received yet of one kind, the newest first."""

    subscription_id: int
    kind: NoticeKind
    news: Sequence[News]


def find_new(session: Session, at: datetime.datetime) -> Sequence[ToSend]:
    """Return what is new for each browser that is subscribed."""
    found: list[ToSend] = []
    accounts: dict[int, list[PushSubscription]] = {}
    for one in all_valid(session):
        accounts.setdefault(one.account_id, []).append(one)
    sent = _sent(session, at) if accounts else {}
    for browsers in accounts.values():
        since = max(at - AT_MOST_OLD, min(one.created_at for one in browsers))
        for kind, news in _news(session, browsers[0].account, since):
            for browser in browsers:
                known = sent.get(browser.id, frozenset())
                fresh = [one for one in news if one.at > browser.created_at and one.key not in known]
                if fresh:
                    found.append(ToSend(browser.id, kind, fresh))
    return found


def store(session: Session, new: Iterable[ToSend], at: datetime.datetime) -> int:
    """Store what is to be sent, each with its job; return how many notices that makes."""
    count = 0
    for one in new:
        rows = [
            PushNotice(
                subscription_id=one.subscription_id, key=news.key, kind=one.kind, text=news.text, path=news.path,
                created_at=at,
            )
            for news in one.news
        ]  # fmt: skip
        if len(rows) > SINGLY:
            for row in rows[1:]:
                row.text = None
            rows[0].text = message(f"push.several.{one.kind}", count=len(rows))
            rows[0].path = rows[0].path.partition("/programmes/")[0] or "/"
        session.add_all(rows)
        session.flush()
        for row in rows:
            if row.text is not None:
                jobs.renew(session, PUSH, row.id, at)
                count += 1
    return count


def prune(session: Session, at: datetime.datetime) -> None:
    """Delete notices that are no news any more, with their jobs."""
    old = sa.select(PushNotice.id).where(PushNotice.created_at < at - KEPT)
    session.execute(sa.delete(Job).where(Job.kind == PUSH, Job.subject_id.in_(old)))
    session.execute(sa.delete(PushNotice).where(PushNotice.created_at < at - KEPT))


async def watch_for_news(database: Database) -> None:
    """Store what is new after every commit, at most every `PAUSE_SECONDS`; until cancelled."""
    last: Collection[object] = ()
    pruned_at = now()
    async for _ in changes(database):
        state = await database.look(_state)
        if state != last and await _store_new(database):
            last = state
        if now() - pruned_at > AT_MOST_OLD:
            await database.run(lambda session: prune(session, now()))
            pruned_at = now()
        await asyncio.sleep(PAUSE_SECONDS)


async def _store_new(database: Database) -> bool:
    """Store what is new; return whether it is stored: another process may have been faster, or a browser is gone."""
    new = await database.look(lambda session: find_new(session, now()))
    if not new:
        return True
    try:
        count = await database.run(lambda session: store(session, new, now()))
    except sa.exc.IntegrityError as problem:
        log.info("notices.not_stored", problem=shown(problem))
        return False
    log.info("notices.stored", count=count)
    return True


def _state(session: Session) -> Collection[object]:
    subscribed = session.execute(sa.select(sa.func.max(PushSubscription.id), sa.func.count())).one()
    return [tuple(subscribed), *probe(session)] if subscribed[1] else [tuple(subscribed)]


def _news(session: Session, account: Account, since: datetime.datetime) -> list[tuple[NoticeKind, Sequence[News]]]:
    visitor = Visitor(account, frozenset(units_of(session, account)))
    return [(kind, news) for kind in wanted(session, account) if (news := news_of(session, visitor, kind, since))]


def _sent(session: Session, at: datetime.datetime) -> Mapping[int, frozenset[str]]:
    rows = session.execute(
        sa.select(PushNotice.subscription_id, PushNotice.key).where(PushNotice.created_at > at - KEPT)
    )
    found: dict[int, set[str]] = {}
    for subscription, key in rows:
        found.setdefault(subscription, set()).add(key)
    return {subscription: frozenset(keys) for subscription, keys in found.items()}
