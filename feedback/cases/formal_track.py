"""The formal track of Decree 20/2008/NĐ-CP; a case is informal until a person makes it formal.

The formal track takes cases in Vietnamese that came on a published number or by a visit to the office, with name,
address, telephone number and a clear content. The office forwards them to the competent body within five working days
and publishes the result.
"""

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from feedback.cases import due_dates
from feedback.cases.case_lifecycle import note
from feedback.citizens.registry import CitizenBook, read_typed_number
from feedback.models import Case, FormalCase
from feedback.states import Channel, Published
from haichieu.alarms import AlarmKind, alarm_is_over
from haichieu.errors import HaiChieuError
from haichieu.folded_text import name_key, words_of
from haichieu.locale import Message, message
from haichieu.phone_numbers import holds_number
from haichieu.station import the_station

FORWARD_WORKING_DAYS = 5
LANGUAGE = "vi"
LONGEST_NAME = 200
LONGEST_CONTENT = 5_000
LONGEST_REASON = 300


class TrackRefused(HaiChieuError):
    """The step is not possible; the message says why."""


class EntryRefused(TrackRefused):
    """Fields are missing or not possible; `problems` says why, by field."""

    def __init__(self, problems: dict[str, Message], key: str = "formal.fields") -> None:
        super().__init__(key, count=len(problems))
        self.problems = problems


class NotFormalYet(EntryRefused):
    """Something that the formal track needs is missing."""

    def __init__(self, problems: dict[str, Message]) -> None:
        super().__init__(problems, "formal.incomplete")


@dataclass(frozen=True)
class Applicant:
    """Who submits a formal case and what it is about, as typed by the officer; `phone` in any spelling."""

    name: str
    address: str
    phone: str
    content: str
    received_on: str


def formal_entry(session: Session, case: Case) -> FormalCase | None:
    """Return the formal entry of a case, None for an informal case."""
    return session.get(FormalCase, case.id)


@dataclass(frozen=True)
class Result:
    """The result of a formal case as typed. One that is published, not sent as a letter, must not name the citizen."""

    text: str
    published_by: Published
    published_on: datetime.date | None


def problems_of(case: Case, given: Applicant, published: Collection[str]) -> dict[str, Message]:
    """Return what the formal track misses, by field; `published` are the station's numbers for citizens."""
    problems: dict[str, Message] = {}
    if not 2 <= len(given.name.strip()) <= LONGEST_NAME:
        problems["formal_name"] = message("formal.missing.name")
    if not 4 <= len(given.address.strip()) <= LONGEST_NAME:
        problems["formal_address"] = message("formal.missing.address")
    if read_typed_number(given.phone) is None:
        problems["formal_phone"] = message("formal.missing.phone")
    problems |= problems_of_content(given)
    if given.received_on not in published and case.channel != Channel.VISIT:
        problems["formal_received_on"] = message("formal.missing.number")
    if case.language != LANGUAGE:
        problems["formal_language"] = message("formal.missing.vietnamese")
    return problems


def problems_of_content(given: Applicant) -> dict[str, Message]:
    """Return what is wrong with the content, by field."""
    if 10 <= len(given.content.strip()) <= LONGEST_CONTENT:
        return {}
    return {"formal_content": message("formal.missing.content", most=LONGEST_CONTENT)}


def make_formal(
    session: Session, book: CitizenBook, case: Case, given: Applicant, published: Collection[str], who: str,
    at: datetime.datetime,
) -> FormalCase:  # fmt: skip
    """Enter a case in the formal register. Raises NotFormalYet, or TrackRefused for one that is there already."""
    if formal_entry(session, case) is not None:
        raise TrackRefused("formal.already", number=case.number)
    if problems := problems_of(case, given, published):
        raise NotFormalYet(problems)
    entry = FormalCase(
        case_id=case.id,
        name_locked=book.lock(given.name.strip()),
        address_locked=book.lock(given.address.strip()),
        phone_locked=book.lock(read_typed_number(given.phone) or ""),
        received_on=given.received_on,
        content=given.content.strip(),
        made_formal_at=at,
        made_formal_by=who,
        forward_due_at=due_dates.due_after(at, FORWARD_WORKING_DAYS, ZoneInfo(the_station(session).timezone)),
    )
    session.add(entry)
    session.flush()
    case.updated_at = at
    note(session, case, who, "made_formal", at, after=message("case.due", at=entry.forward_due_at))
    return entry


def make_informal(session: Session, case: Case, reason: str, who: str, at: datetime.datetime) -> None:
    """Take a case out of the formal register; history and audit trail keep the reason. Raises TrackRefused."""
    entry = _require_formal(session, case)
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise TrackRefused("formal.no_reason", most=LONGEST_REASON)
    if entry.published_at is not None:
        raise TrackRefused("formal.published_already", number=case.number)
    session.delete(entry)
    _settle_alarm(session, case)
    case.updated_at = at
    note(session, case, who, "made_informal", at, after=Message.verbatim(reason.strip()))


def forward(session: Session, case: Case, to: str, who: str, at: datetime.datetime) -> None:
    """Record that a formal case went to the competent body. Raises TrackRefused."""
    entry = _require_formal(session, case)
    if not 2 <= len(to.strip()) <= LONGEST_NAME:
        raise TrackRefused("formal.no_body", most=LONGEST_NAME)
    entry.forwarded_to, entry.forwarded_at = to.strip(), at
    _settle_alarm(session, case)
    case.updated_at = at
    note(session, case, who, "forwarded", at, after=Message.verbatim(to.strip()))


def publish(session: Session, book: CitizenBook, case: Case, given: Result, who: str, at: datetime.datetime) -> None:
    """Record the result of a formal case, and how and on which day it was published. Raises TrackRefused."""
    entry = _require_formal(session, case)
    zone = ZoneInfo(the_station(session).timezone)
    today, received = at.astimezone(zone).date(), case.opened_at.astimezone(zone).date()
    text, day, problems = given.text.strip(), given.published_on, dict[str, Message]()
    if not 0 < len(text) <= LONGEST_CONTENT:
        problems["result"] = message("formal.no_result", most=LONGEST_CONTENT)
    elif given.published_by is not Published.LETTER and _names_citizen(book, entry, text):
        problems["result"] = message("formal.names_citizen")
    if day is None or not received <= day <= today:
        problems["published_on"] = message("formal.no_day", since=received, until=today)
    if problems or day is None:
        raise EntryRefused(problems)
    noon = datetime.datetime.combine(day, datetime.time(12), zone).astimezone(datetime.UTC)
    entry.result, entry.published_by, entry.published_at = text, given.published_by, at if day == today else noon
    case.updated_at = at
    note(session, case, who, "result_published", at, after=message(f"formal.published.{given.published_by}"))


def _names_citizen(book: CitizenBook, entry: FormalCase, text: str) -> bool:
    """Return whether a text has the full name of the citizen in it, of two words at least, or the telephone number."""
    name, phone = (book.unlock(one) if one else "" for one in (entry.name_locked, entry.phone_locked))
    words, called = (f" {' '.join(words_of(name_key(one)))} " for one in (text, name))
    return (len(called.split()) > 1 and called in words) or holds_number(text, phone)


def hold(session: Session, case: Case, reason: str, who: str, at: datetime.datetime) -> None:
    """Forbid to erase anything of a case, for a reason such as a lawsuit; an empty reason allows it again."""
    if len(reason.strip()) > LONGEST_REASON:
        raise TrackRefused("formal.no_reason", most=LONGEST_REASON)
    if reason.strip() == case.hold_reason:
        return
    before, case.hold_reason = case.hold_reason, reason.strip()
    case.updated_at = at
    what = "held" if case.hold_reason else "hold_ended"
    note(session, case, who, what, at, before=Message.verbatim(before), after=Message.verbatim(case.hold_reason))


def _require_formal(session: Session, case: Case) -> FormalCase:
    entry = formal_entry(session, case)
    if entry is None:
        raise TrackRefused("formal.not_formal", number=case.number)
    return entry


def _settle_alarm(session: Session, case: Case) -> None:
    alarm_is_over(session, AlarmKind.FORWARDING_DUE, f"case:{case.number}")
