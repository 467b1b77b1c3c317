"""The worker's part of the outbox: sends texts through Twilio and leaves SIP texts to the switchboard."""

import datetime
from typing import Protocol

import structlog
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.citizens.registry import CitizenBook
from feedback.texts import outbox
from feedback.texts.outbox import Errand, HandedOver, LineBroken, OutboxError, SipReaches
from haichieu.background import in_thread
from haichieu.database import Database, now
from haichieu.errors import shown
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim, Job
from haichieu.outgoing import OutgoingRule

log = structlog.get_logger()


class Line(Protocol):
    """A provider of texts; its calls block."""

    def send(self, number: str, text: str, reply_id: int) -> HandedOver:
        """Send one text. Raises a subclass of OutboxError."""
        ...

    def look_up(self, number: str, text: str, since: datetime.datetime) -> list[HandedOver]:
        """Return the texts with this content that the provider accepted for that number since then.

        Raises OutboxError.
        """
        ...


class TextDispatcher(JobRunner):
    """Sends the texts that are due through the provider."""

    kinds = (job_kinds.SEND_TEXT,)
    lease = outbox.LEASE
    at_once = 10

    def __init__(
        self,
        database: Database,
        book: CitizenBook,
        name: str,
        line: Line | None,
        sip_reaches: SipReaches,
        rule: OutgoingRule,
    ) -> None:
        super().__init__(database)
        self._book = book
        self._name = name
        self._line = line
        self._sip_reaches = sip_reaches
        self._rule = rule

    def give_up(self, session: Session, job: Job) -> None:
        """Fail the text, with an alarm."""
        outbox.give_up(session, job, now())

    async def handle(self, claim: Claim) -> None:
        """Send one text, or leave it to the switchboard."""
        await in_thread(lambda: self._see_to(claim))

    def _see_to(self, claim: Claim) -> None:
        with self._database.session() as session:
            if outbox.hand_on(session, self._book, claim, self._sip_reaches, now()):
                return
            errand = outbox.begin(session, self._book, self._rule, claim, self._name, now())
        if errand is not None:
            self._carry_out(errand)

    def _carry_out(self, errand: Errand) -> None:
        try:
            handed = self._sent_before(errand) or self._send(errand)
        except OutboxError as problem:
            log.warning("text.not_sent", reply=errand.reply_id, problem=shown(problem))
            with self._database.session() as session:
                outbox.not_sent(session, errand, problem, now())
            return
        log.info("text.sent", reply=errand.reply_id, provider_id=handed.provider_id)
        with self._database.session() as session:
            outbox.sent(session, errand, handed, now())

    def _send(self, errand: Errand) -> HandedOver:
        if self._line is None:
            raise LineBroken("text.no_line")
        return self._line.send(errand.number, errand.text, errand.reply_id)

    def _sent_before(self, errand: Errand) -> HandedOver | None:
        if not errand.doubtful or self._line is None:
            return None
        found = self._line.look_up(errand.number, errand.text, errand.since)

        def unknown(session: Session) -> HandedOver | None:
            others = outbox.names_of_others(session, [handed.provider_id or "" for handed in found])
            return next((handed for handed in found if handed.provider_id not in others), None)

        with self._database.session() as session:
            return unknown(session)
