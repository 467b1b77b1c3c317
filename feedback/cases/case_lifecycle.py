"""Life cycle of cases, as rules over rows: opened, continued, assigned, answered, closed, reopened.

Every step goes into the case's history and the audit trail in the same transaction.
"""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.cases import due_dates
from feedback.cases.case_numbers import new_case_number, read_case_number
from feedback.models import Case, CaseChange, Category, Citizen, Message
from feedback.states import CASE, CaseEvent, CaseStatus, Channel, Direction
from haichieu import audit, jobs, locale
from haichieu.errors import NotFound
from haichieu.media import Media
from haichieu.people import Unit, live_unit

OPEN = (CaseStatus.NEW, CaseStatus.TRANSCRIBED, CaseStatus.ASSIGNED, CaseStatus.REOPENED)
"""States in which the citizen waits for an answer."""


class NoSuchCase(NotFound):
    """There is no case of this number, or the user may not see it."""

    def __init__(self, number: str) -> None:
        super().__init__("case.not_found", number=number)


@dataclass(frozen=True)
class Opening:
    """The properties of a new case. `unit_by` and `category_by` name who chose them (see `Case`)."""

    channel: Channel
    unit_id: int
    unit_by: str
    citizen: Citizen | None = None
    category: Category | None = None
    category_by: str = ""
    language: str = "vi"
    dialled: str = ""
    """The number of the station that received it."""


@dataclass(frozen=True)
class Said:
    """One message. `author` is an actor of the audit trail."""

    direction: Direction
    channel: Channel
    author: str
    text: str = ""
    sound: Media | None = None
    language: str = "vi"
    external_id: str | None = None


def open_case(session: Session, about: Opening, first: Said, at: datetime.datetime) -> Case:
    """Open a case with its first message, under a unique number."""
    number = new_case_number()
    while session.scalar(sa.select(Case.id).where(Case.number == number)) is not None:
        number = new_case_number()
    case = Case(
        number=number,
        channel=about.channel,
        status=CASE.initial,
        unit_id=live_unit(session, session.get_one(Unit, about.unit_id)).id,  # it may have been merged during the call
        unit_by=about.unit_by,
        category=about.category,
        category_by=about.category_by,
        department_id=about.category.department_id if about.category else None,
        citizen=about.citizen,
        language=about.language,
        dialled=about.dialled,
        opened_at=at,
        updated_at=at,
    )
    session.add(case)
    session.flush()
    due_dates.renew(session, case, at)
    note(session, case, first.author, "opened", at, after=str(about.channel))
    say(session, case, first, at)
    return case


def say(session: Session, case: Case, said: Said, at: datetime.datetime, *, reopens: bool = True) -> Message:
    """Add a message to a case; what a citizen says is queued for transcription and filing.

    A new message of the citizen reopens a case that was answered or closed, unless it says nothing new.
    """
    message = Message(
        case=case,
        direction=said.direction,
        channel=said.channel,
        author=said.author,
        at=at,
        text=said.text,
        sound=said.sound,
        language=said.language,
        external_id=said.external_id,
    )
    session.add(message)
    case.updated_at = at
    session.flush()
    if said.direction == Direction.IN:
        jobs.add(session, job_kinds.TRANSCRIBE if said.sound else job_kinds.FILE, message.id, at)
    if reopens and said.direction == Direction.IN and case.status in (CaseStatus.ANSWERED, CaseStatus.CLOSED):
        happen(session, case, CaseEvent.REOPEN, said.author, at)
    return message


def happen(session: Session, case: Case, event: CaseEvent, actor: str, at: datetime.datetime) -> None:
    """Apply an event to a case. Raises IllegalTransition."""
    before = CaseStatus(case.status)
    case.status = CASE.after(before, event)
    if case.status == CaseStatus.ANSWERED and case.answered_at is None:
        case.answered_at = at
    if case.status == CaseStatus.CLOSED:
        case.closed_at = at
    if case.status == CaseStatus.REOPENED:
        case.answered_at = case.closed_at = None
        case.duplicate_of_id = None  # the main case's answer was not enough for this citizen: it waits for its own
        due_dates.renew(session, case, at)
    if case.status in (CaseStatus.ANSWERED, CaseStatus.CLOSED):
        due_dates.settle(session, case)
    case.updated_at = at
    note(session, case, actor, str(event), at, before=str(before), after=case.status)


def note(
    session: Session,
    case: Case,
    actor: str,
    what: str,
    at: datetime.datetime,
    *,
    before: str | locale.Message = "",
    after: str | locale.Message = "",
) -> None:
    """Add a step to the history of the case and to the audit trail."""
    stored = {name: _stored(value) for name, value in (("before", before), ("after", after))}
    session.add(CaseChange(case_id=case.id, at=at, actor=actor, what=what, **stored))
    audit.record(session, actor, f"case.{what}", f"case:{case.number}", before=_plain(before), after=_plain(after))


def _stored(value: str | locale.Message) -> str:
    return value.to_json() if isinstance(value, locale.Message) else value[:200]


def _plain(value: str | locale.Message) -> str:
    return locale.render(value, "en") if isinstance(value, locale.Message) else value


def find_case(session: Session, number: str) -> Case:
    """Return the case with this number. Raises WrongCheckDigit or NoSuchCase."""
    read = read_case_number(number)
    case = session.scalar(sa.select(Case).where(Case.number == read))
    if case is None:
        raise NoSuchCase(read)
    return case
