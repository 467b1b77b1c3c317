"""Sending of notices: one job per notice and browser, tried again until the notice has expired."""

import datetime
import json
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from admin.notices.models import NoticeKind, PushNotice
from admin.notices.notice_watch import PUSH
from admin.notices.push_encryption import BrowserKeys, StationKey, encrypt
from admin.notices.push_service import Answer, PushService, PushServiceAway, UnsafeEndpoint
from admin.notices.subscriptions import drop, is_valid, wanted
from haichieu import jobs
from haichieu.database import Database, now
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim, Job
from haichieu.locale import Message, render, render_key
from haichieu.people import Account
from haichieu.station import the_station

log = structlog.get_logger()

LIVES = {
    NoticeKind.ALARMS: datetime.timedelta(hours=4),
    NoticeKind.APPROVALS: datetime.timedelta(hours=24),
    NoticeKind.CASES: datetime.timedelta(hours=12),
}
"""How long a notice is of use: the station and the push service (TTL, RFC 8030 §5.2) try this long."""
SHORTEST_WAIT, LONGEST_WAIT = datetime.timedelta(seconds=30), datetime.timedelta(minutes=30)
GONE = (404, 410)
"""The subscription has ended for good (RFC 8030 §7.3)."""
LONGEST_BODY = 300


@dataclass(frozen=True)
class Push:
    """One notice as it is sent."""

    endpoint: str
    keys: BrowserKeys
    kind: NoticeKind
    text: bytes
    expires_at: datetime.datetime


class PushJobs(JobRunner):
    """Sends notices to push services; `contact` is the public URL of the panel."""

    kinds = (PUSH,)
    lease = datetime.timedelta(seconds=60)
    at_once = 4

    def __init__(self, database: Database, key: Callable[[], StationKey], contact: str, service: PushService) -> None:
        super().__init__(database)
        self._key, self._contact, self._service = key, contact, service

    async def handle(self, claim: Claim) -> None:
        """Send one notice, unless the browser is gone, the account wants it no longer, or it has expired."""
        push = await self._database.look(lambda session: _read(session, claim.subject_id))
        if push is None or push.expires_at <= now():
            await self._database.run(lambda session: jobs.done(session, claim, now()))
            return
        try:
            answer: Answer | UnsafeEndpoint | None = await self._send(push)
        except PushServiceAway as away:
            log.info("push.service_away", problem=away.message.fields.get("problem"))
            answer = None
        except UnsafeEndpoint as unsafe:
            answer = unsafe
        await self._database.run(lambda session: _settle(session, claim, answer, push.expires_at))

    def give_up(self, session: Session, job: Job) -> None:
        """Raise no alarm about a notice: it would be the next notice."""
        log.warning("push.given_up", notice=job.subject_id)

    async def _send(self, push: Push) -> Answer:
        headers = {
            "Authorization": self._key().authorization(push.endpoint, self._contact, now()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int((push.expires_at - now()).total_seconds())),
            "Urgency": "high" if push.kind == NoticeKind.ALARMS else "normal",
        }
        return await self._service.post(push.endpoint, headers, encrypt(push.text, push.keys))


def _read(session: Session, number: int) -> Push | None:
    notice = session.get(PushNotice, number)
    if notice is None or notice.text is None:
        return None
    subscription, kind = notice.subscription, NoticeKind(notice.kind)
    if not is_valid(subscription) or kind not in wanted(session, subscription.account):
        return None
    keys = BrowserKeys.read(subscription.public_key, subscription.auth_secret)
    text = _payload(session, subscription.account, notice.text, kind, notice)
    return Push(subscription.endpoint, keys, kind, text, notice.created_at + LIVES[kind])


def _payload(session: Session, account: Account, text: Message, kind: NoticeKind, notice: PushNotice) -> bytes:
    station = the_station(session)
    language = account.language or station.language
    shown = {
        "title": render_key(language, f"push.title.{kind}", {}),
        "body": render(text, language, station.timezone)[:LONGEST_BODY],
        "path": notice.path,
        "tag": notice.key,
        "lang": language,
    }
    return json.dumps(shown, ensure_ascii=False).encode()


def _settle(session: Session, claim: Claim, answer: Answer | UnsafeEndpoint | None, expires: datetime.datetime) -> None:
    notice = session.get(PushNotice, claim.subject_id)
    if isinstance(answer, Answer) and answer.status != 429 and answer.status < 500:
        if notice is not None and answer.status in GONE:
            drop(session, notice.subscription, "gone")
        elif answer.status >= 300:
            log.warning("push.refused", status=answer.status, notice=claim.subject_id)
        jobs.done(session, claim, now())
        return
    if isinstance(answer, UnsafeEndpoint):
        if notice is not None:
            drop(session, notice.subscription, "unsafe")
        jobs.done(session, claim, now())
        return
    age = now() - notice.created_at if notice is not None else SHORTEST_WAIT
    wait = (answer.wait if answer else None) or min(max(age, SHORTEST_WAIT), LONGEST_WAIT)
    jobs.put_off(session, claim, min(now() + wait, max(expires, now())), None, counts=False)
