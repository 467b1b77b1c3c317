"""Missed calls: one call back, within the reply hours, and none to numbers forged for profit."""

import datetime
import zoneinfo
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback.citizens.registry import open_citizens
from feedback.intake import missed_calls
from feedback.intake.missed_calls import MissedCalls
from feedback.models import CitizenCall
from haichieu.alarms import open_alarms
from haichieu.database import Database
from haichieu.phone_numbers import normalise
from haichieu.sip.models import Phone
from tests.builders.outgoing import RULE

CALLER = "+84987654321"
HERE = zoneinfo.ZoneInfo("Asia/Ho_Chi_Minh")
MORNING = datetime.datetime(2026, 11, 24, 9, 0, tzinfo=HERE)
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def missed(tmp_path: Path) -> MissedCalls:
    return MissedCalls(open_citizens(tmp_path), RULE)


def owe(database: Database, missed: MissedCalls, number: str = CALLER, at: datetime.datetime = MORNING) -> bool:
    with database.session() as session:
        return missed.add(session, number, "1022", at)


def claimed(database: Database, missed: MissedCalls, at: datetime.datetime) -> list[tuple[str, str]]:
    with database.session() as session:
        return [(debt.number, debt.dialled) for debt in missed.claim(session, at)]


def rows(database: Database) -> list[CitizenCall]:
    with database.session() as session:
        return list(session.scalars(sa.select(CitizenCall).order_by(CitizenCall.id)))


def test_a_caller_who_hangs_up_gets_one_call_back(database: Database, missed: MissedCalls) -> None:
    assert owe(database, missed)
    assert CALLER not in rows(database)[0].number_locked
    assert claimed(database, missed, MORNING) == []
    assert claimed(database, missed, MORNING + MINUTE) == [(CALLER, "1022")]
    assert claimed(database, missed, MORNING + MINUTE) == []


def test_the_same_caller_is_not_called_twice_within_minutes(database: Database, missed: MissedCalls) -> None:
    assert owe(database, missed)
    assert not owe(database, missed, at=MORNING + MINUTE)
    claimed(database, missed, MORNING + MINUTE)
    with database.session() as session:
        missed.settle(session, rows(database)[0].id, "answered")
    assert not owe(database, missed, at=MORNING + 2 * MINUTE)
    assert owe(database, missed, at=MORNING + 11 * MINUTE)


def test_unreadable_number_does_not_keep_the_others_from_their_call(database: Database, missed: MissedCalls) -> None:
    owe(database, missed, "+84987654399")
    owe(database, missed)
    with database.session() as session:
        session.execute(sa.update(CitizenCall).where(CitizenCall.id == 1).values(number_locked="damaged"))
    assert claimed(database, missed, MORNING + MINUTE) == [(CALLER, "1022")]
    assert [row.state for row in rows(database)] == ["expired", "calling"]


def test_a_number_is_kept_no_longer_than_it_is_needed(database: Database, missed: MissedCalls) -> None:
    owe(database, missed)
    claimed(database, missed, MORNING + MINUTE)
    with database.session() as session:
        missed.settle(session, rows(database)[0].id, "answered")
    assert rows(database)[0].number_locked == ""
    claimed(database, missed, MORNING + datetime.timedelta(hours=3))
    assert rows(database) == []


def test_a_call_that_came_too_late_is_not_made(database: Database, missed: MissedCalls) -> None:
    owe(database, missed)
    assert claimed(database, missed, MORNING + missed_calls.VALID + MINUTE) == []
    assert (rows(database)[0].state, rows(database)[0].number_locked) == ("expired", "")


def test_a_restart_does_not_repeat_a_call_that_may_have_been_answered(database: Database, missed: MissedCalls) -> None:
    owe(database, missed)
    claimed(database, missed, MORNING + MINUTE)
    with database.session() as session:
        assert missed.expire_interrupted(session) == 1
    assert claimed(database, missed, MORNING + 2 * MINUTE) == []


def test_a_restart_keeps_what_is_owed(database: Database, missed: MissedCalls) -> None:
    owe(database, missed)
    with database.session() as session:
        assert missed.expire_interrupted(session) == 0
    assert claimed(database, missed, MORNING + MINUTE) == [(CALLER, "1022")]


def test_nobody_is_rung_up_at_night(database: Database, missed: MissedCalls) -> None:
    night = MORNING.replace(hour=23)
    owe(database, missed, at=night)
    with database.session() as session:
        assert missed.next_due(session) == MORNING.replace(day=25, hour=8)
    assert claimed(database, missed, night + MINUTE) == []
    assert claimed(database, missed, MORNING.replace(day=25, hour=8)) == [(CALLER, "1022")]


def test_no_call_is_owed_abroad(database: Database, missed: MissedCalls) -> None:
    assert not owe(database, missed, "+2348012345678")
    with database.session() as session:
        session.add(Phone(code="desk", name="Bàn trực", password_locked="", caller_number="201"))
    assert owe(database, missed, "201")


@pytest.mark.parametrize("number", ["113", "1900545454", "9029", "carrier2%2Fsip", "0912345678@carrier"])
def test_no_call_is_owed_to_a_forged_number_that_would_cost(
    database: Database, missed: MissedCalls, number: str
) -> None:
    assert not owe(database, missed, normalise(number) or "")
    assert rows(database) == []
    with database.session() as session:
        assert [alarm.kind for alarm in open_alarms(session)] == ["outgoing_refused"]


@pytest.mark.parametrize("number", ["", "P", "O", "asterisk", "unassigned", "anonymous.invalid", "Unknown Number"])
def test_withheld_number_is_not_called_back_and_raises_no_alarm(
    database: Database, missed: MissedCalls, number: str
) -> None:
    assert not owe(database, missed, number)
    assert rows(database) == []
    with database.session() as session:
        assert open_alarms(session) == []


def test_more_missed_calls_than_people_make_are_not_returned(
    database: Database, missed: MissedCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed_calls, "MOST_AN_HOUR", 2)
    assert [owe(database, missed, f"+8498765432{last}") for last in range(3)] == [True, True, False]
