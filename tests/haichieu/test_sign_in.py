import datetime

import pytest
import sqlalchemy as sa

from haichieu.alarms import Alarm, AlarmKind
from haichieu.database import Database
from haichieu.phone_sign_in import LockedOut, SignInAttempt, SignInRefused, WrongPin, attempt_sign_in
from tests.builders.accounts import PIN
from tests.builders.places import commune

pytestmark = pytest.mark.both_databases

START = datetime.datetime(2026, 11, 24, 5, 0, tzinfo=datetime.UTC)
KNOWN, STRANGER = "+84912000011", "+84987654321"


def attempt(database: Database, caller: str | None, code: str | None, pin: str, minutes: float = 0) -> object:
    with database.session() as session:
        answer = attempt_sign_in(session, caller, code, pin, START + datetime.timedelta(minutes=minutes))
        return type(answer) if isinstance(answer, SignInRefused) else answer.code


@pytest.fixture(autouse=True)
def _people(database: Database) -> None:
    with database.session() as session:
        commune(session)


def test_a_known_caller_needs_only_the_pin(database: Database) -> None:
    assert attempt(database, KNOWN, None, PIN) == "1011"


def test_an_unknown_caller_needs_staff_code_and_pin(database: Database) -> None:
    assert attempt(database, STRANGER, "1011", PIN) == "1011"
    assert attempt(database, STRANGER, None, PIN) is WrongPin
    assert attempt(database, None, "1011", PIN) == "1011"


def test_wrong_code_and_wrong_pin_are_refused_alike(database: Database) -> None:
    assert attempt(database, STRANGER, "1011", "000000") is WrongPin
    assert attempt(database, STRANGER, "9999", PIN) is WrongPin


def test_the_sixth_try_is_refused_even_with_the_right_pin(database: Database) -> None:
    for _ in range(5):
        assert attempt(database, KNOWN, None, "000000") is WrongPin
    assert attempt(database, KNOWN, None, PIN, minutes=14.9) is LockedOut
    assert attempt(database, STRANGER, "1011", PIN, minutes=1) is LockedOut  # the official is locked, not the phone
    assert attempt(database, KNOWN, None, PIN, minutes=15.1) == "1011"


def test_a_caller_who_tries_many_codes_is_locked(database: Database) -> None:
    for code in ("1", "2", "3", "4", "5"):
        assert attempt(database, STRANGER, code, "000000") is WrongPin
    assert attempt(database, STRANGER, "1011", PIN) is LockedOut
    assert attempt(database, KNOWN, None, PIN) == "1011"


def test_a_right_pin_starts_the_count_again(database: Database) -> None:
    for _ in range(4):
        attempt(database, KNOWN, None, "000000")
    assert attempt(database, KNOWN, None, PIN, minutes=1) == "1011"
    for _ in range(4):
        assert attempt(database, KNOWN, None, "000000", minutes=2) is WrongPin
    assert attempt(database, KNOWN, None, PIN, minutes=3) == "1011"


def test_five_wrong_tries_spread_over_an_hour_lock_nobody(database: Database) -> None:
    for minutes in range(0, 60, 10):
        assert attempt(database, KNOWN, None, "000000", minutes=minutes) is WrongPin


def test_a_lock_raises_one_alarm_that_hides_the_number(database: Database) -> None:
    for _ in range(6):
        attempt(database, KNOWN, None, "000000")
    with database.session() as session:
        alarms = session.scalars(sa.select(Alarm)).all()
        assert {alarm.kind for alarm in alarms} == {AlarmKind.SIGN_IN_LOCKED}
        assert {alarm.subject for alarm in alarms} == {"official:1011", "caller:•••••••••011"}


def test_the_pin_is_kept_nowhere(database: Database) -> None:
    attempt(database, KNOWN, None, "975310")
    with database.session() as session:
        assert not any("975310" in str(vars(row)) for row in session.scalars(sa.select(SignInAttempt)))
