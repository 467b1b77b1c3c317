"""Texts as SIP MESSAGE (RFC 3428), in the switchboard: through a GSM gateway, or with the station's own phones.

Asterisk answers a MESSAGE before the application sees it and does not report what happened to one that it sent, so a
text counts as sent when Asterisk accepted it. A text whose switchboard died meanwhile is in doubt: it is not sent again
but left to a person.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.citizens.registry import CitizenBook
from feedback.texts import outbox
from feedback.texts.outbox import DoubtRemains, Errand, HandedOver, LineBroken, LineBusy, OutboxError
from feedback.texts.text_inbox import InboundText, NotOurNumber, TextInbox
from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, AriRefused, NotConnected
from haichieu.ari.events import Event
from haichieu.background import kept_going
from haichieu.database import Database, now
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim, Job
from haichieu.outgoing import OutgoingRule
from haichieu.sip.endpoint_events import user_of

log = structlog.get_logger()

NAME = "sip"
MOST_A_MINUTE = 30
"""Texts per minute of one sender that are read; the rest is dropped."""
MOST_WAITING = 500
_NOT_LOOKED_UP = "text.sip.not_looked_up"

SenderOf = Callable[[Session, str, str], str | None]
"""Returns the sender for an endpoint's name and the claimed sender; None when the endpoint may not send."""


@dataclass(frozen=True)
class SipRoute:
    """ARI addresses of one text: recipient and sender."""

    to: str
    sender: str


RouteTo = Callable[[Session, str], SipRoute | None]
"""Returns the route to a number; None without one."""


class SipTexts(JobRunner):
    """Receives texts from endpoints, and sends those that go by SIP."""

    kinds = (job_kinds.SEND_SIP_TEXT,)
    lease = outbox.LEASE
    at_once = 10

    def __init__(
        self,
        client: AriClient,
        database: Database,
        book: CitizenBook,
        inbox: TextInbox,
        sender_of: SenderOf,
        route_to: RouteTo,
        rule: OutgoingRule,
    ) -> None:
        super().__init__(database)
        self._client = client
        self._book = book
        self._inbox = inbox
        self._sender_of = sender_of
        self._route_to = route_to
        self._rule = rule
        self._came: asyncio.Queue[Event] = asyncio.Queue(MOST_WAITING)
        self._minute = 0
        self._heard: Counter[tuple[str, str]] = Counter()

    def hear(self, event: Event) -> None:
        """Take a TextMessageReceived event; never blocks and drops a flood."""
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute = minute
            self._heard.clear()
        who = (event.body.get("endpoint", {}).get("resource", ""), user_of(event.body["message"]["from"]))
        self._heard[who] += 1
        if self._heard[who] <= MOST_A_MINUTE:
            with contextlib.suppress(asyncio.QueueFull):
                self._came.put_nowait(event)
                return
        if self._heard[who] in (MOST_A_MINUTE + 1, 1):
            log.warning("text.flood", endpoint=who[0])

    async def run(self) -> None:
        """Work until cancelled."""
        async with kept_going(self._take_all):
            await super().run()

    async def ready(self) -> None:
        """Wait for Asterisk."""
        await self._client.connected.wait()

    def give_up(self, session: Session, job: Job) -> None:
        """Fail the text, with an alarm."""
        outbox.give_up(session, job, now())

    async def handle(self, claim: Claim) -> None:
        """Send one text."""
        errand = await self._database.run(
            lambda session: outbox.begin(session, self._book, self._rule, claim, NAME, now())
        )
        if errand is not None:
            await self._carry_out(errand)

    async def _carry_out(self, errand: Errand) -> None:
        problem: OutboxError | None = None
        try:
            if errand.doubtful:
                raise DoubtRemains(_NOT_LOOKED_UP)
            await self._send(errand.number, errand.text)
        except OutboxError as refusal:
            problem = refusal
            log.warning("text.not_sent", reply=errand.reply_id, problem=str(refusal))

        def settle(session: Session) -> None:
            if problem is None:
                outbox.sent(session, errand, HandedOver(None), now())
            else:
                outbox.not_sent(session, errand, problem, now())

        await self._database.run(settle)

    async def _send(self, number: str, text: str) -> None:
        route = await self._database.run(lambda session: self._route_to(session, number))
        if route is None:
            raise LineBroken("text.sip.no_trunk")
        try:
            await self._client.request(
                operations.SEND_MESSAGE, body={"to": route.to, "from": route.sender, "body": text}
            )
        except AriRefused as refusal:
            raise LineBusy("text.sip.refused", status=refusal.status) from None
        except NotConnected:
            raise LineBusy("text.sip.unreachable") from None
        except AriError:
            raise DoubtRemains(_NOT_LOOKED_UP) from None

    async def _take_all(self) -> None:
        while True:
            event = await self._came.get()
            try:
                await self._take(event)
            except NotOurNumber as refusal:
                log.warning("text.refused", problem=str(refusal))
            except Exception:
                log.exception("text.not_filed")

    async def _take(self, event: Event) -> None:
        message = event.body["message"]
        endpoint = event.body.get("endpoint", {}).get("resource", "")
        claimed = user_of(message["from"])
        sender = await self._database.run(lambda session: self._sender_of(session, endpoint, claimed))
        if sender is None:
            log.warning("text.refused", endpoint=endpoint, problem="this account may not send texts")
            return
        text = InboundText(sender, user_of(message["to"]), message["body"])
        filed = await asyncio.to_thread(self._inbox.take, text)
        if filed.say:
            with contextlib.suppress(OutboxError):
                await self._send(sender, filed.say)
