"""Requests of citizens about their personal data: asked, settled within the time of the law, refused with a reason.

Law 91/2025 and Decree 356/2025: access within two working days; withdrawal of consent and erasure within fifteen days,
which are calendar days, since only the first are called working days. The number of a caller can be forged, so an
erasure is only asked for by phone or text; a person with the right carries it out.
"""

import datetime
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from feedback.cases import due_dates
from feedback.cases.case_lifecycle import OPEN, NoSuchCase, find_case, note
from feedback.citizens import consents, privacy
from feedback.citizens.models import DataRequest
from feedback.citizens.privacy import Erased
from feedback.citizens.registry import CitizenBook
from feedback.models import Case, Citizen, Message
from feedback.states import DATA_REQUEST, Channel, DataRight, Purpose, RequestEvent, RequestState
from haichieu import audit
from haichieu.alarms import AlarmKind, alarm_is_over
from haichieu.errors import HaiChieuError, NotFound
from haichieu.locale import message
from haichieu.media import MediaStore
from haichieu.public_holidays import is_working_day
from haichieu.station import the_station

ACCESS_WORKING_DAYS = 2
OTHER_DAYS = 15
LONGEST_REASON = 300

OnAir = Callable[[Session, Collection[int]], bool]
"""Returns whether one of these programmes is on air; given by a room that knows broadcasts."""


class NoSuchRequest(NotFound):
    """There is no such request, or the user may not see it."""

    def __init__(self, number: int) -> None:
        super().__init__("data_request.unknown", number=number)


class RequestRefused(HaiChieuError):
    """The request cannot be made, or not be settled like this."""


@dataclass(frozen=True)
class Asked:
    """A request and whether it is new; asking twice gives the first one again."""

    request: DataRequest
    is_new: bool


def own_case(session: Session, book: CitizenBook, number: str | None, case_number: str) -> Case:
    """Return the case that the owner of a telephone number opened; None is a withheld number.

    Raises NoSuchCase, also for another citizen's case, or WrongCheckDigit.
    """
    case = find_case(session, case_number)
    citizen = book.find(session, number) if number else None
    if citizen is None or case.citizen_id != citizen.id:
        raise NoSuchCase(case.number)
    return case


def ask(
    session: Session, kind: DataRight, about: Case | Citizen, channel: Channel, who: str, at: datetime.datetime,
    unit_id: int | None = None, purpose: Purpose | None = None,
) -> Asked:  # fmt: skip
    """File a request about one case, or about everything of a citizen (then in `unit_id`).

    A withdrawal of consent, to one `purpose` or to all, is effective and settled at once. An objection takes the
    answers off the air at once, and a person decides about the rest. Raises RequestRefused when there is nothing to
    ask about.
    """
    case = about if isinstance(about, Case) else None
    citizen = about if isinstance(about, Citizen) else None
    open_one = sa.select(DataRequest).where(
        DataRequest.kind == kind,
        DataRequest.state == RequestState.OPEN,
        DataRequest.case_id == case.id if case else DataRequest.case_id.is_(None),
        DataRequest.citizen_id == citizen.id if citizen else sa.true(),
    )
    earlier = session.scalar(open_one.limit(1))
    if earlier is not None:
        return Asked(earlier, is_new=False)
    if kind is DataRight.WITHDRAWAL:
        _require_consent(session, about, purpose)
    elif case is not None:
        _require_something(session, kind, case)
    request = DataRequest(
        kind=kind,
        purpose=purpose or "",
        case_id=case.id if case else None,
        citizen_id=citizen.id if citizen else case.citizen_id if case else None,
        unit_id=case.unit_id if case else unit_id,
        channel=channel,
        state=DATA_REQUEST.initial,
        asked_at=at,
        due_at=due_at(session, kind, at),
    )
    session.add(request)
    session.flush()
    if case is not None:
        note(session, case, who, f"asked_{kind}", at, after=message("case.due", at=request.due_at))
    else:
        audit.record(session, who, f"citizen.asked_{kind}", f"data-request:{request.id}", purpose=request.purpose)
    _carry_out_at_once(session, request, purpose, who, at)
    return Asked(request, is_new=True)


def _carry_out_at_once(
    session: Session, request: DataRequest, purpose: Purpose | None, who: str, at: datetime.datetime
) -> None:
    """Do what no person has to decide."""
    if request.kind == DataRight.WITHDRAWAL:
        for one in _cases_of(session, request):
            consents.withdraw(session, one, who, at, purpose)
        settle(session, request, who, at)
    if request.kind == DataRight.OBJECTION:
        for one in _cases_of(session, request):
            if not consents.withdraw(session, one, who, at):
                consents.take_off_air(session, [one.id], at)


def due_at(session: Session, kind: DataRight, at: datetime.datetime) -> datetime.datetime:
    """Return the close of office hours on the last working day within the statutory time."""
    timezone = ZoneInfo(the_station(session).timezone)
    if kind is DataRight.ACCESS:
        return due_dates.due_after(at, ACCESS_WORKING_DAYS, timezone)
    day = at.astimezone(timezone).date() + datetime.timedelta(days=OTHER_DAYS)
    while not is_working_day(day):
        day -= datetime.timedelta(days=1)
    return datetime.datetime.combine(day, due_dates.OFFICE_CLOSES, timezone).astimezone(datetime.UTC)


def find(session: Session, number: int, *, locked: bool = True) -> DataRequest:
    """Return a request, locked for its settlement. Raises NoSuchRequest."""
    request = session.get(DataRequest, number, with_for_update=locked)
    if request is None:
        raise NoSuchRequest(number)
    return request


def waiting(session: Session, units: Collection[int], most: int) -> Sequence[DataRequest]:
    """Return the open requests of these units, the most urgent first."""
    query = sa.select(DataRequest).where(DataRequest.state == RequestState.OPEN, DataRequest.unit_id.in_(units))
    with_names = query.options(
        joinedload(DataRequest.case), joinedload(DataRequest.unit), joinedload(DataRequest.citizen)
    )
    return session.scalars(with_names.order_by(DataRequest.due_at, DataRequest.id).limit(most)).all()


def next_due(session: Session, units: Collection[int]) -> tuple[int, datetime.datetime | None]:
    """Return how many requests of these units are open, and when the first of them is due."""
    query = sa.select(sa.func.count(), sa.func.min(DataRequest.due_at, type_=DataRequest.due_at.type)).where(
        DataRequest.state == RequestState.OPEN, DataRequest.unit_id.in_(units)
    )
    count, earliest = session.execute(query).one()
    return count, earliest


def settle(session: Session, request: DataRequest, who: str, at: datetime.datetime) -> None:
    """Record that a request was fulfilled. Raises RequestRefused for one that is settled already."""
    _step(session, request, RequestEvent.SETTLE, who, at)


def refuse(session: Session, request: DataRequest, reason: str, who: str, at: datetime.datetime) -> None:
    """Refuse a request with a reason for the citizen. Raises RequestRefused."""
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise RequestRefused("data_request.reason", most=LONGEST_REASON)
    _step(session, request, RequestEvent.REFUSE, who, at)
    request.reason = reason.strip()


def erase(
    session: Session, store: MediaStore, book: CitizenBook, request: DataRequest, on_air: OnAir, who: str,
    at: datetime.datetime,
) -> Erased:  # fmt: skip
    """Carry an erasure out: of one case, or of everything of the citizen. The audit trail stays, and names nobody.

    Raises RequestRefused, and nothing has happened: while a case is open, held or on air, or a call is being recorded.
    """
    cases = _cases_of(session, request)
    require_erasable(session, book, request, cases, on_air)
    ids = [case.id for case in cases]
    settle(session, request, who, at)
    if request.case_id is None:
        if request.citizen is None:
            raise RequestRefused("data_request.nothing_left")
        erased = privacy.erase_citizen(session, store, book, book.number_of(request.citizen), who, at)
    else:
        messages, files = privacy.empty_cases(session, store, cases, at)
        audit.record(session, who, "citizen.erase", "citizen", cases=len(cases), messages=messages, files=files)
        erased = Erased(len(cases), messages, files, 0, ())
    consents.take_off_air(session, ids, at)
    request.citizen_id = None
    for case in cases:
        note(session, case, who, "erased", at)
    return erased


def require_erasable(
    session: Session, book: CitizenBook, request: DataRequest, cases: Sequence[Case], on_air: OnAir
) -> None:
    """Raise RequestRefused while these cases cannot be erased."""
    for case in cases:
        if case.hold_reason:
            raise RequestRefused("data_request.held", number=case.number, reason=case.hold_reason)
        if case.status in OPEN:
            raise RequestRefused("data_request.case_open", number=case.number)
        if on_air(session, consents.programmes_of(session, [case.id])):
            raise RequestRefused("data_request.on_air", number=case.number)
    if request.citizen is not None and privacy.drafts_of(session, book, book.number_of(request.citizen)):
        raise RequestRefused("data_request.being_recorded")


def _cases_of(session: Session, request: DataRequest) -> list[Case]:
    which = Case.id == request.case_id if request.case_id is not None else Case.citizen_id == request.citizen_id
    return list(session.scalars(sa.select(Case).where(which).order_by(Case.id).with_for_update()))


def _require_consent(session: Session, about: Case | Citizen, purpose: Purpose | None) -> None:
    """Raise RequestRefused when there is no consent to withdraw."""
    which = Case.id == about.id if isinstance(about, Case) else Case.citizen_id == about.id
    given = frozenset[Purpose]().union(
        *(consents.valid_purposes(session, one) for one in session.scalars(sa.select(Case).where(which)))
    )
    if not given or (purpose is not None and purpose not in given):
        raise RequestRefused("data_request.no_consent")


def _require_something(session: Session, kind: DataRight, case: Case) -> None:
    """Raise RequestRefused when a case has nothing that the request could be about."""
    if kind is DataRight.ACCESS and case.citizen_id is None:
        raise RequestRefused("data_request.anonymous")
    stored = sa.or_(Message.text != "", Message.sound_id.is_not(None))
    something = sa.select(Message.id).where(Message.case_id == case.id, stored).limit(1)
    if kind is DataRight.ERASURE and case.citizen_id is None and session.scalar(something) is None:
        raise RequestRefused("data_request.nothing_left")


def _step(session: Session, request: DataRequest, event: RequestEvent, who: str, at: datetime.datetime) -> None:
    if request.state != RequestState.OPEN:
        raise RequestRefused("data_request.settled", number=request.id)
    request.state = DATA_REQUEST.after(RequestState(request.state), event)
    request.settled_at, request.settled_by = at, who
    alarm_is_over(session, AlarmKind.DATA_REQUEST_DUE, f"data-request:{request.id}")
    audit.record(session, who, f"data_request.{event}", f"data-request:{request.id}", kind=request.kind)
