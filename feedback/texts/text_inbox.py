"""Inbound texts: each opens a case, continues one, or opts the sender out or in. No transport is involved.

A text continues only the sender's own case; with another case's number it opens a new case, so that trying numbers
reveals nothing. Thanks and reactions are stored in the case that they answer, without a reply; parts of a long text and
the texts of a sender above a limit are stored in one case. Texts without a number may be of different people, so each
opens a case of its own. Machines are never answered: the station would talk to them for ever.
"""

import datetime
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from feedback.answers import replies
from feedback.cases.case_lifecycle import Opening, Said, open_case, say
from feedback.cases.case_numbers import without_case_numbers
from feedback.citizens.registry import CitizenBook
from feedback.models import Case, Citizen, Message, ReceivedText
from feedback.states import Channel, Direction
from feedback.texts import conversations, receipts, rights_by_text
from feedback.texts.courtesies import is_courtesy, is_reaction
from feedback.texts.receipts import Wish
from haichieu import audit
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.outgoing import OutgoingRule, Use, is_own_phone
from haichieu.phone_numbers import is_service, normalise
from haichieu.station import the_station

log = structlog.get_logger()

REPEATED_WITHIN = datetime.timedelta(minutes=10)
"""The same words of the same sender count once for this long. A gateway that missed our answer sends a text again under
a new id after its transaction has ended (32 s, RFC 3261 timer F), at most a few times; a person who writes the same
words again within minutes wants to be sure that they arrived."""
ONE_CASE_OF_A_MACHINE = datetime.timedelta(days=1)

UnitFor = Callable[[Session, str], int | None]
"""Finds the unit (its id) of the number that was texted."""

IsOurs = Callable[[Session, str], bool]
"""Returns whether a number is one of the station's own."""


class NotOurNumber(HaiChieuError):
    """The text was sent to a number that the station does not have."""

    def __init__(self) -> None:
        super().__init__("text.not_our_number")


@dataclass(frozen=True)
class InboundText:
    """One text as received. `external_id` is the provider's id; `files` counts the attachments.

    `at` is when it was received, if not just now. It is not `whole` when a part of it was lost on the way.
    `carried_out` is the command that the provider has understood, and answered itself.
    """

    sender: str
    to: str
    body: str
    external_id: str | None = None
    files: int = 0
    at: datetime.datetime | None = None
    whole: bool = True
    carried_out: Wish | None = None


@dataclass(frozen=True)
class Filed:
    """The result: the case, and a text to send at once where the case's own reply does not cover it."""

    case_number: str | None = None
    repeated: bool = False
    say: str = ""


class TextInbox:
    """Files texts for one station, each in a transaction of its own."""

    def __init__(
        self, database: Database, book: CitizenBook, unit_for: UnitFor, rule: OutgoingRule, is_ours: IsOurs
    ) -> None:
        self._database = database
        self._book = book
        self._unit_for = unit_for
        self._rule = rule
        self._is_ours = is_ours

    def take(self, text: InboundText) -> Filed:
        """File a text; it is committed when this returns. Raises NotOurNumber."""
        try:
            return self._once(text)
        except sa.exc.IntegrityError:
            # Another process filed the same text, or added the same citizen, at the same time.
            return self._once(text)

    def _once(self, text: InboundText) -> Filed:
        with self._database.session() as session:
            filed = self._file(session, text, text.at or now())
            if filed.say and self._rule.take(session, Use.RECEIPTS, normalise(text.sender) or "", now()):
                filed = replace(filed, say="")
        log.info("text.filed", case=filed.case_number, repeated=filed.repeated)
        return filed

    def _file(self, session: Session, text: InboundText, at: datetime.datetime) -> Filed:
        if text.external_id is not None and _was_filed(session, text.external_id, at):
            seen = session.scalar(sa.select(Case.number).join(Message).where(Message.external_id == text.external_id))
            return Filed(seen, repeated=True)
        unit_id = self._unit_for(session, text.to)
        if unit_id is None:
            raise NotOurNumber
        number = _number_of(text.sender)
        if text.carried_out is not None and (text.carried_out == Wish.HELP or not number):
            return Filed()
        citizen = self._book.meet(session, number, at) if number else None
        said = receipts.clean(text.body)
        if citizen is not None and (wish := _wish(text, said, citizen)):
            return _grant(session, citizen, wish, at, answered=text.carried_out is not None)
        body = _with_notes(text, said, _language_of(session, citizen))
        if not body:
            return Filed()
        if number and text.whole and not text.files and self._is_repeated(session, number, text.to, body, at):
            again = _case_with(session, citizen, body)
            return Filed(again.number if again else None, repeated=True)
        message = Said(Direction.IN, Channel.TEXT, "citizen", body, external_id=text.external_id)
        if citizen is None:
            return Filed(
                open_case(session, Opening(Channel.TEXT, unit_id, "number", dialled=text.to[:32]), message, at).number
            )
        if text.whole and not text.files:
            done = rights_by_text.carry_out(session, citizen, message, at, _language_of(session, citizen))
            if done is not None:
                return Filed(done.case_number, say=done.say)
        opening = Opening(Channel.TEXT, unit_id, "number", citizen, dialled=text.to[:32])
        is_machine = self._is_machine(session, number, text.to)
        case, is_answered = _store(session, citizen, opening, message, is_machine, at)
        if is_answered:
            acknowledgement = receipts.acknowledgement(case.number, _language_of(session, citizen))
            replies.acknowledge(session, case, acknowledgement, at)
        return Filed(case.number)

    def _is_machine(self, session: Session, number: str, texted: str) -> bool:
        """Return whether a sender is a service or the station itself. Its own telephones are people's."""
        if is_own_phone(session, number):
            return False
        return is_service(number) or number == normalise(texted) or self._is_ours(session, number)

    def _is_repeated(self, session: Session, number: str, to: str, body: str, at: datetime.datetime) -> bool:
        """Return whether the same words came from this sender just before; note them otherwise."""
        digest = self._book.digest("\0".join(("words", number, to, body)))
        noted = session.get(ReceivedText, digest)
        if noted is None:
            session.add(ReceivedText(digest=digest, received_at=at))
            session.flush()
        elif abs(at - noted.received_at) < REPEATED_WITHIN:
            return True
        else:
            noted.received_at = at
        return False


def _was_filed(session: Session, external_id: str, at: datetime.datetime) -> bool:
    """Return whether this text was filed before; note it otherwise, in the same transaction as its case."""
    digest = hashlib.sha256(external_id.encode()).hexdigest()
    filed = sa.exists().where(Message.external_id == external_id)  # by a version that did not note it
    if session.get(ReceivedText, digest) is not None or session.scalar(sa.select(filed)):
        return True
    session.add(ReceivedText(digest=digest, received_at=at))
    session.flush()
    return False


def _number_of(sender: str) -> str:
    """Return the sender's number; empty without one that can be answered, as with company names."""
    number = normalise(sender) or ""
    return number if number.removeprefix("+").isdecimal() and number.isascii() else ""


def _wish(text: InboundText, said: str, citizen: Citizen) -> Wish | None:
    if text.carried_out is not None or text.files:
        return text.carried_out
    return receipts.wish(said, stopped=citizen.opted_out_at is not None)


def _with_notes(text: InboundText, said: str, language: str) -> str:
    """Return the text, with a note about each part of it that the station does not have."""
    notes = [receipts.said("files_not_fetched", language, count=text.files)] if text.files else []
    notes += [] if text.whole else [receipts.said("not_whole", language)]
    return "\n".join((said, *notes)).strip()


def _store(
    session: Session, citizen: Citizen, opening: Opening, said: Said, is_machine: bool, at: datetime.datetime
) -> tuple[Case, bool]:
    """Store what a citizen wrote; return its case, and whether the citizen gets its number."""
    own = conversations.own_case(session, citizen, said.text)
    if (case := _case_of_courtesy(session, citizen, own, said.text, at)) is not None:
        say(session, case, said, at, reopens=False)
        return case, False
    full = conversations.limit_reached(session, citizen, at)
    if own is not None:
        say(session, own, said, at)
        return own, full is None and not is_machine
    case = conversations.case_of_first_part(session, citizen, at)
    if case is None and (is_machine or full):
        case = conversations.latest_text_case(session, citizen, at - (full or ONE_CASE_OF_A_MACHINE))
    if case is not None:
        say(session, case, said, at)
        return case, False
    return open_case(session, opening, said, at), full is None and not is_machine


def _case_of_courtesy(
    session: Session, citizen: Citizen, own: Case | None, text: str, at: datetime.datetime
) -> Case | None:
    """Return the case that a text without news answers: the one that it names, else where the station spoke last."""

    def conversation() -> Iterator[str]:
        yield from conversations.recent_words(session, citizen, at)

    without_number = without_case_numbers(text) if own is not None else text
    if is_courtesy(without_number) or is_reaction(text, conversation()):
        return own or conversations.case_of_our_words(session, citizen, at)
    return None


def _case_with(session: Session, citizen: Citizen | None, body: str) -> Case | None:
    if citizen is None:
        return None
    said = sa.select(Case).join(Message).where(Case.citizen_id == citizen.id, Message.text == body)
    return session.scalar(said.order_by(Message.id.desc()).limit(1))


def _grant(session: Session, citizen: Citizen, wish: Wish, at: datetime.datetime, *, answered: bool) -> Filed:
    stopped = citizen.opted_out_at is not None
    if stopped == (wish == Wish.STOP):
        return Filed()  # confirmed before: each word costs a text
    citizen.opted_out_at = at if wish == Wish.STOP else None
    audit.record(session, "citizen", f"citizen.texts-{wish}", f"citizen:{citizen.id}")
    what = "stopped" if wish == Wish.STOP else "started"
    return Filed(say="" if answered else receipts.said(what, _language_of(session, citizen)))


def _language_of(session: Session, citizen: Citizen | None) -> str:
    return (citizen.language if citizen else "") or the_station(session).language
