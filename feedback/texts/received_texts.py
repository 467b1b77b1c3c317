"""Reconciliation with the list of texts that a provider received: it has those whose webhook failed.

At the start and every hour, what was received since the last complete listing is filed. Texts that are known are filed
no second time.
"""

import asyncio
import datetime
from collections.abc import Callable
from typing import Protocol

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from feedback.models import TextLine
from feedback.texts.outbox import HandedOver, OutboxError
from feedback.texts.text_inbox import InboundText, NotOurNumber, TextInbox
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.background import in_thread
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError, message_of, shown
from haichieu.locale import message

log = structlog.get_logger()

EVERY_SECONDS = 3600.0
AGAIN_SECONDS = 300.0
"""After a failure."""
OVERLAP = datetime.timedelta(days=1)
"""A provider may list a text late, or round the time to days."""
LONGEST = datetime.timedelta(days=60)
"""Older texts are not filed; ids of filed texts are stored longer (`case_retention.TEXT_IDS_KEPT`)."""
ALARM_AFTER = datetime.timedelta(hours=3)


class ListingLine(Protocol):
    """A provider that lists the texts it received; its calls block."""

    def received(self, since: datetime.datetime) -> list[InboundText]:
        """Return the texts received since then, the oldest first. Raises OutboxError."""
        ...

    def send(self, number: str, text: str, reply_id: int | None) -> HandedOver:
        """Send one text. Raises OutboxError."""
        ...


class ReceivedTexts:
    """Files the texts of one provider that its webhook did not bring."""

    def __init__(self, database: Database, name: str, line: ListingLine, inbox: TextInbox) -> None:
        self._database = database
        self._name = name
        self._line = line
        self._inbox = inbox

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            complete = await in_thread(self.reconcile)
            await asyncio.sleep(EVERY_SECONDS if complete else AGAIN_SECONDS)

    def reconcile(self) -> bool:
        """File what was received since the last complete listing; return whether this one was complete."""
        begun = now()
        try:
            since = self._listed_until(begun)
            listed = self._line.received(since - OVERLAP) if since < begun else []
        except (OutboxError, sa.exc.SQLAlchemyError) as problem:
            return self._incomplete(problem, begun)
        failed = [failure for text in listed if (failure := self._file(text)) is not None]
        if failed:
            return self._incomplete(failed[0], begun)
        self._in_session(lambda session: self._complete(session, begun))
        return True

    def _listed_until(self, at: datetime.datetime) -> datetime.datetime:
        """Return until when the list is filed. What came before the first listing does not concern this station."""
        with self._database.session() as session:
            row = session.get(TextLine, self._name)
            if row is None:
                session.add(row := TextLine(name=self._name, listed_until=at))
            return max(row.listed_until, at - LONGEST)

    def _file(self, text: InboundText) -> Exception | None:
        try:
            filed = self._inbox.take(text)
            if filed.say:
                self._line.send(text.sender, filed.say, None)
        except NotOurNumber as refusal:
            log.warning("text.refused", problem=shown(refusal))
        except OutboxError as problem:
            log.warning("text.not_confirmed", problem=shown(problem))
        except Exception as problem:  # a fault in one text must not keep the others from being filed
            log.exception("text.not_filed", text=text.external_id)
            return problem
        else:
            if not filed.repeated:
                log.info("text.reconciled", line=self._name, case=filed.case_number)
        return None

    def _complete(self, session: Session, until: datetime.datetime) -> None:
        session.get_one(TextLine, self._name).listed_until = until
        alarm_is_over(session, AlarmKind.TEXTS_FAILING, self._subject)

    def _incomplete(self, problem: Exception, at: datetime.datetime) -> bool:
        log.warning("texts.not_reconciled", line=self._name, problem=shown(problem))

        def alarm(session: Session) -> None:
            row = session.get(TextLine, self._name)
            if row is not None and (not isinstance(problem, HaiChieuError) or row.listed_until < at - ALARM_AFTER):
                text = message("text.not_reconciled", line=self._name, problem=message_of(problem))
                raise_alarm(session, AlarmKind.TEXTS_FAILING, self._subject, text)

        self._in_session(alarm)
        return False

    @property
    def _subject(self) -> str:
        return f"texts:{self._name}:received"

    def _in_session(self, work: Callable[[Session], None]) -> None:
        """Do this if the database allows; the next listing does it otherwise."""
        try:
            with self._database.session() as session:
                work(session)
        except sa.exc.SQLAlchemyError as problem:
            log.warning("texts.state_not_written", line=self._name, problem=shown(problem))
