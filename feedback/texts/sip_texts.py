"""Outgoing texts as SIP MESSAGE (RFC 3428), in the switchboard: through a GSM gateway, or to the station's own phones.

Asterisk does not report what happened to a text that it sent, so one counts as sent when Asterisk accepted it, with the
note that its arrival is not known. A text
whose switchboard died meanwhile is in doubt: it is not sent again but left to a person. Incoming texts come from the
spool, where the dialplan stores them.
"""

import asyncio
import contextlib
import queue
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.citizens.registry import CitizenBook
from feedback.texts import outbox
from feedback.texts.outbox import DoubtRemains, Errand, HandedOver, LineBroken, LineBusy, OutboxError
from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, AriRefused, NotConnected
from haichieu.background import kept_going
from haichieu.database import Database, now
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim, Job
from haichieu.locale import message
from haichieu.outgoing import OutgoingRule

log = structlog.get_logger()

NAME = "sip"
SAY_EVERY_SECONDS = 0.2
_NOT_LOOKED_UP = "text.sip.not_looked_up"
_UNCONFIRMED = message("text.sip.unconfirmed")
"""Asterisk tells nobody that a gateway answered 404 or not at all (408), so no reply may look as if it had arrived."""


@dataclass(frozen=True)
class SipRoute:
    """ARI addresses of one text: recipient and sender."""

    to: str
    sender: str


RouteTo = Callable[[Session, str], SipRoute | None]
"""Returns the route to a number; None without one."""


class SipTexts(JobRunner):
    """Sends the texts that go by SIP."""

    kinds = (job_kinds.SEND_SIP_TEXT,)
    lease = outbox.LEASE
    at_once = 10

    def __init__(
        self,
        client: AriClient,
        database: Database,
        book: CitizenBook,
        route_to: RouteTo,
        rule: OutgoingRule,
    ) -> None:
        super().__init__(database)
        self._client = client
        self._book = book
        self._route_to = route_to
        self._rule = rule
        self._to_say: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    def say_soon(self, number: str, text: str) -> None:
        """Send a text once, without a row; from any thread. It is lost when the switchboard stops before."""
        self._to_say.put((number, text))

    async def run(self) -> None:
        """Work until cancelled."""
        async with kept_going(self._say_all):
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
                outbox.sent(session, errand, HandedOver(None, limits=_UNCONFIRMED), now())
            else:
                outbox.not_sent(session, errand, problem, now())

        await self._database.until_written(settle)  # else a text that has gone would be in doubt

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

    async def _say_all(self) -> None:
        while True:
            await asyncio.sleep(SAY_EVERY_SECONDS)
            while not self._to_say.empty():
                with contextlib.suppress(OutboxError):
                    await self._send(*self._to_say.get_nowait())
