"""Inbound texts: each opens a case, continues one, or opts the sender out or in. No transport is involved.

A text continues only the sender's own case; with another case's number it opens a new case, so that trying numbers
reveals nothing. A sender above the limit is still stored, in one case, without replies. Texts without a number may be
of different people, so each opens a case of its own.
"""

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from feedback.answers import replies
from feedback.cases.case_lifecycle import Opening, Said, open_case, say
from feedback.citizens.registry import CitizenBook
from feedback.models import Case, Citizen, Message, ReceivedText
from feedback.states import Channel, Direction
from feedback.texts import receipts
from feedback.texts.receipts import Wish
from haichieu import audit
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.outgoing import OutgoingRule, Use
from haichieu.phone_numbers import normalise
from haichieu.station import the_station

log = structlog.get_logger()

MOST_AN_HOUR = 10
"""Texts per sender and hour that may each open a case and are each answered."""
HOUR = datetime.timedelta(hours=1)

UnitFor = Callable[[Session, str], int | None]
"""Finds the unit (its id) of the number that was texted."""


class NotOurNumber(HaiChieuError):
    """The text was sent to a number that the station does not have."""

    def __init__(self) -> None:
        super().__init__("text.not_our_number")


@dataclass(frozen=True)
class InboundText:
    """One text as received. `external_id` is the provider's id; `files` counts the attachments.

    `at` is when it was received, if not just now. It is not `whole` when a part of it was lost on the way.
    """

    sender: str
    to: str
    body: str
    external_id: str | None = None
    files: int = 0
    at: datetime.datetime | None = None
    whole: bool = True


@dataclass(frozen=True)
class Filed:
    """The result: the case, and a text to send at once where the case's own reply does not cover it."""

    case_number: str | None = None
    repeated: bool = False
    say: str = ""


class TextInbox:
    """Files texts for one station, each in a transaction of its own."""

    def __init__(self, database: Database, book: CitizenBook, unit_for: UnitFor, rule: OutgoingRule) -> None:
        self._database = database
        self._book = book
        self._unit_for = unit_for
        self._rule = rule

    def take(self, text: InboundText) -> Filed:
        """File a text; it is committed when this returns. Raises NotOurNumber."""
        try:
            return self._once(text)
        except sa.exc.IntegrityError:
            # Another process filed the same text, or added the same citizen, at the same time.
            return self._once(text)

    def _once(self, text: InboundText) -> Filed:
        with self._database.session() as session:
            filed = file_text(session, self._book, text, self._unit_for, text.at or now())
            if filed.say and self._rule.take(session, Use.RECEIPTS, normalise(text.sender) or "", now()):
                filed = replace(filed, say="")
        log.info("text.filed", case=filed.case_number, repeated=filed.repeated)
        return filed


def file_text(
    session: Session, book: CitizenBook, text: InboundText, unit_for: UnitFor, at: datetime.datetime
) -> Filed:
    """File one text. Raises NotOurNumber."""
    if text.external_id is not None and _is_repeated(session, text.external_id, at):
        seen = session.scalar(sa.select(Case.number).join(Message).where(Message.external_id == text.external_id))
        return Filed(seen, repeated=True)
    unit_id = unit_for(session, text.to)
    if unit_id is None:
        raise NotOurNumber
    body = receipts.clean(text.body)
    citizen = _sender(session, book, text.sender, at)
    if citizen is not None and not text.files and (wish := receipts.wish(body)):
        return _grant(session, citizen, wish, at)
    if text.files:
        note = receipts.said("files_not_fetched", _language_of(session, citizen), count=text.files)
        body = f"{body}\n{note}".strip()
    if not text.whole:
        body = f"{body}\n{receipts.said('not_whole', _language_of(session, citizen))}".strip()
    if not body:
        return Filed()
    said = Said(Direction.IN, Channel.TEXT, "citizen", body, external_id=text.external_id)
    return _keep(session, citizen, unit_id, said, at)


def _is_repeated(session: Session, external_id: str, at: datetime.datetime) -> bool:
    """Return whether this text was filed before; note it otherwise, in the same transaction as its case."""
    digest = hashlib.sha256(external_id.encode()).hexdigest()
    filed = sa.exists().where(Message.external_id == external_id)  # by a version that did not note it
    if session.get(ReceivedText, digest) is not None or session.scalar(sa.select(filed)):
        return True
    session.add(ReceivedText(digest=digest, received_at=at))
    session.flush()
    return False


def _keep(session: Session, citizen: Citizen | None, unit_id: int, said: Said, at: datetime.datetime) -> Filed:
    flooded = citizen is not None and _texts_since(session, citizen, at - HOUR) >= MOST_AN_HOUR
    case = _own_case(session, citizen, said.text)
    if case is None and citizen is not None and flooded:
        case = _latest_case(session, citizen, at - HOUR)
    if case is None:
        case = open_case(session, Opening(Channel.TEXT, unit_id, "number", citizen), said, at)
    else:
        say(session, case, said, at)
    if not flooded:
        acknowledgement = receipts.acknowledgement(case.number, _language_of(session, citizen))
        replies.acknowledge(session, case, acknowledgement, at)
    return Filed(case.number)


def _sender(session: Session, book: CitizenBook, sender: str, at: datetime.datetime) -> Citizen | None:
    """Return the sender; None without a number that can be answered, as with company names."""
    number = normalise(sender)
    if number is None or not number.removeprefix("+").isdecimal() or not number.isascii():
        return None
    return book.meet(session, number, at)


def _grant(session: Session, citizen: Citizen, wish: Wish, at: datetime.datetime) -> Filed:
    stopped = citizen.opted_out_at is not None
    if stopped == (wish == Wish.STOP):
        return Filed()  # confirmed before: each word costs a text
    citizen.opted_out_at = at if wish == Wish.STOP else None
    audit.record(session, "citizen", f"citizen.texts-{wish}", f"citizen:{citizen.id}")
    what = "stopped" if wish == Wish.STOP else "started"
    return Filed(say=receipts.said(what, _language_of(session, citizen)))


def _own_case(session: Session, citizen: Citizen | None, body: str) -> Case | None:
    number = receipts.case_number_ahead(body)
    if citizen is None or number is None:
        return None
    return session.scalar(sa.select(Case).where(Case.number == number, Case.citizen_id == citizen.id))


def _texts_since(session: Session, citizen: Citizen, since: datetime.datetime) -> int:
    return session.scalars(
        sa.select(sa.func.count(Message.id))
        .join(Case)
        .where(
            Case.citizen_id == citizen.id,
            Message.direction == Direction.IN,
            Message.channel == Channel.TEXT,
            Message.at > since,
        )
    ).one()


def _latest_case(session: Session, citizen: Citizen, since: datetime.datetime) -> Case | None:
    newest = sa.select(Case).where(Case.citizen_id == citizen.id, Case.channel == Channel.TEXT, Case.opened_at > since)
    return session.scalar(newest.order_by(Case.id.desc()).limit(1))


def _language_of(session: Session, citizen: Citizen | None) -> str:
    return (citizen.language if citizen else "") or the_station(session).language
