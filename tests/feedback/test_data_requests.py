"""Requests about personal data: statutory times, whose case it is, asking twice, and the alarm before the end."""

import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback import job_kinds
from feedback.cases import merging
from feedback.cases.case_lifecycle import NoSuchCase, Said, say
from feedback.cases.case_retention import Rules, apply
from feedback.cases.formal_track import hold
from feedback.cases.statutory_deadlines import alarm_soon_due
from feedback.citizens import consents, data_requests, privacy
from feedback.citizens.consents import NoConsent
from feedback.citizens.data_requests import RequestRefused
from feedback.citizens.models import Consent, DataRequest
from feedback.citizens.privacy import CaseHeld
from feedback.citizens.registry import CitizenBook, open_citizens, read_typed_number
from feedback.models import Case, Citizen, Reply, VoiceDraft
from feedback.states import Channel, DataRight, Direction, Purpose
from haichieu import audit
from haichieu.alarms import Alarm, AlarmKind
from haichieu.database import Database, now
from haichieu.jobs import Job
from haichieu.media import MediaStore
from haichieu.station import the_station
from tests.builders.cases import agreed, case, office

pytestmark = pytest.mark.both_databases

NUMBER, OTHER = "+84912345678", "+84987654321"
BY = "account:quantri@example.vn"
FRIDAY = datetime.datetime(2026, 8, 28, 8, tzinfo=datetime.UTC)
"""Before the national holidays of 1 and 2 September 2026; the Monday before them is off, too."""
DAY = datetime.timedelta(days=1)


@pytest.fixture
def book(tmp_path: Path) -> CitizenBook:
    return open_citizens(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media", 1)


def mine(session: sa.orm.Session, book: CitizenBook, number: str = NUMBER) -> Case:
    return case(session, office(session), citizen=book.meet(session, number, now()))


def nothing_on_air(session: sa.orm.Session, programmes: object) -> bool:
    return False


@pytest.mark.parametrize(
    ("kind", "day"),
    [(DataRight.ACCESS, "04/09/2026"), (DataRight.ERASURE, "11/09/2026"), (DataRight.WITHDRAWAL, "11/09/2026")],
)
def test_access_counts_working_days_and_the_others_calendar_days(database: Database, kind: DataRight, day: str) -> None:
    with database.session() as session:
        local = datetime.timezone(datetime.timedelta(hours=7))
        assert f"{data_requests.due_at(session, kind, FRIDAY).astimezone(local):%d/%m/%Y %H}" == f"{day} 17"
        assert the_station(session).timezone == "Asia/Ho_Chi_Minh"


def test_request_asked_twice_is_one(database: Database, book: CitizenBook) -> None:
    with database.session() as session:
        one = mine(session, book)
        first, second = (
            data_requests.ask(session, DataRight.ERASURE, one, Channel.CALL, "citizen", now()) for _ in range(2)
        )
        assert (first.is_new, second.is_new, second.request.id) == (True, False, first.request.id)
        assert [step.what for step in one.history].count("asked_erasure") == 1


@pytest.mark.parametrize("caller", [OTHER, None])
def test_case_of_another_caller_is_no_case(database: Database, book: CitizenBook, caller: str | None) -> None:
    with database.session() as session:
        number = mine(session, book).number
        assert data_requests.own_case(session, book, NUMBER, number).number == number
        with pytest.raises(NoSuchCase):
            data_requests.own_case(session, book, caller, number)


@pytest.mark.parametrize("typed", ["0912345678", "+84 912 345 678", "84-912-345-678", "(0912) 345.678"])
def test_number_is_found_in_any_spelling(database: Database, book: CitizenBook, typed: str) -> None:
    with database.session() as session:
        citizen = mine(session, book).citizen
        assert book.look_up(session, typed) is citizen
        assert read_typed_number(typed) == NUMBER


def test_withdrawal_is_effective_and_settled_at_once(database: Database, book: CitizenBook) -> None:
    with database.session() as session:
        one = agreed(session, mine(session, book))
        asked = data_requests.ask(session, DataRight.WITHDRAWAL, one, Channel.CALL, "citizen", now())
        assert asked.request.state == "done"
        assert session.scalars(sa.select(Consent.withdrawn_by)).all() == ["citizen"]
        with pytest.raises(RequestRefused):
            data_requests.ask(session, DataRight.WITHDRAWAL, one, Channel.CALL, "citizen", now())


@pytest.mark.parametrize(("purpose", "left", "off"), [
    (Purpose.VOICE_ON_AIR, {"answer"}, 1), (Purpose.ANSWER_ON_AIR, {"voice"}, 2), (None, set(), 2),
])  # fmt: skip
def test_withdrawal_concerns_one_purpose_in_every_case_of_the_citizen(
    database: Database, book: CitizenBook, purpose: Purpose | None, left: set[str], off: int
) -> None:
    with database.session() as session:
        there, citizen = office(session), book.meet(session, NUMBER, now())
        cases = [agreed(session, case(session, there, citizen=citizen), *Purpose) for _ in range(2)]
        for with_voice in (False, True):
            said = say(session, cases[0], Said(Direction.OUT, Channel.PANEL, BY, "Đã sửa"), now())
            session.add(Reply(message=said, way="air", state="filed", programme_id=7, with_voice=with_voice,
                              created_at=now(), changed_at=now()))  # fmt: skip
        asked = data_requests.ask(
            session, DataRight.WITHDRAWAL, citizen, Channel.PANEL, BY, now(), unit_id=there.co_ba.id, purpose=purpose
        )
        assert (asked.request.state, asked.request.purpose) == ("done", purpose or "")
        assert [consents.valid_purposes(session, one) for one in cases] == [left, left]
        waiting = sa.select(sa.func.count()).select_from(Job).where(Job.kind == job_kinds.TAKE_OFF_AIR)
        assert session.scalar(waiting) == off
        if purpose is not None:
            with pytest.raises(RequestRefused):
                data_requests.ask(session, DataRight.WITHDRAWAL, citizen, Channel.PANEL, BY, now(),
                                  unit_id=there.co_ba.id, purpose=purpose)  # fmt: skip


@pytest.mark.parametrize("everything", [False, True])
def test_objection_without_consent_keeps_the_answer_off_the_air(
    database: Database, book: CitizenBook, everything: bool
) -> None:
    with database.session() as session:
        one = mine(session, book)
        about = one.citizen if everything else one
        assert about is not None
        assert consents.may_be_answered_on_air(session, one)
        asked = data_requests.ask(session, DataRight.OBJECTION, about, Channel.PANEL, BY, now(), unit_id=one.unit_id)
        assert asked.request.state == "open"
        with pytest.raises(NoConsent):
            consents.require_for_air(session, one)
        data_requests.refuse(session, asked.request, "Luật buộc công khai", BY, now())
        assert consents.may_be_answered_on_air(session, one)


def test_objection_of_an_erased_citizen_concerns_no_anonymous_case(database: Database, book: CitizenBook) -> None:
    with database.session() as session:
        there = office(session)
        about = book.meet(session, NUMBER, now())
        asked = data_requests.ask(
            session, DataRight.OBJECTION, about, Channel.PANEL, BY, now(), unit_id=there.co_ba.id
        )  # fmt: skip
        asked.request.citizen_id = None
        session.flush()
        assert consents.may_be_answered_on_air(session, case(session, there))


def test_consent_after_an_objection_is_valid(database: Database, book: CitizenBook) -> None:
    with database.session() as session:
        one = agreed(session, mine(session, book))
        data_requests.ask(session, DataRight.OBJECTION, one, Channel.CALL, "citizen", now())
        assert not consents.may_be_answered_on_air(session, one)
        assert consents.may_be_answered_on_air(session, agreed(session, one))


def test_erasure_of_everything_waits_for_a_call_that_is_recorded(
    database: Database, book: CitizenBook, store: MediaStore
) -> None:
    with database.session() as session:
        one = agreed(session, mine(session, book))
        merging.close(session, one, BY, now())
        assert one.citizen is not None
        asked = data_requests.ask(
            session, DataRight.ERASURE, one.citizen, Channel.PANEL, BY, now(), unit_id=one.unit_id
        )  # fmt: skip
        draft = VoiceDraft(name="v", number_locked=book.lock(NUMBER), unit_id=one.unit_id, started_at=now())
        session.add(draft)
        session.flush()
        with pytest.raises(RequestRefused):
            data_requests.erase(session, store, book, asked.request, nothing_on_air, BY, now())
        session.delete(draft)
        session.flush()
        erased = data_requests.erase(session, store, book, asked.request, nothing_on_air, BY, now())
        assert erased.cases == 1
    with database.session() as session:
        request = session.scalars(sa.select(DataRequest)).one()
        assert (request.state, request.citizen_id, request.settled_by) == ("done", None, BY)
        assert session.scalars(sa.select(Citizen)).all() == []
        assert session.scalars(sa.select(Consent)).all() == []
        assert not [entry for entry in audit.find(session) if NUMBER[-9:] in str(entry.detail)]


def test_hold_stops_the_command_line_and_retention_too(
    database: Database, book: CitizenBook, store: MediaStore
) -> None:  # fmt: skip
    with database.session() as session:
        one = mine(session, book)
        merging.close(session, one, BY, now() - 9000 * DAY)
        hold(session, one, "Thanh tra", BY, now())
        with pytest.raises(CaseHeld):
            privacy.erase_citizen(session, store, book, NUMBER, BY, now())
    with database.session() as session:
        assert not apply(session, store, Rules(1, 1), now())
        hold(session, session.scalars(sa.select(Case)).one(), "", BY, now())
        assert apply(session, store, Rules(1, 1), now()).cases == 1


def test_open_request_is_alarmed_once_before_it_runs_out(database: Database, book: CitizenBook) -> None:
    with database.session() as session:
        asked = data_requests.ask(session, DataRight.ERASURE, mine(session, book), Channel.TEXT, "citizen", FRIDAY)
        assert alarm_soon_due(session, FRIDAY) == 0
        assert alarm_soon_due(session, asked.request.due_at - DAY) == 1
        assert alarm_soon_due(session, asked.request.due_at) == 0
        alarm = session.scalars(sa.select(Alarm)).one()
        assert (alarm.kind, alarm.subject) == (AlarmKind.DATA_REQUEST_DUE, f"data-request:{asked.request.id}")
        data_requests.refuse(session, asked.request, "Không đúng người", BY, now())
        session.refresh(alarm)
        assert alarm.cleared_at is not None
