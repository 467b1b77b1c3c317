"""PIN sign-in: guessing is limited on every route, strangers lock nobody out, and counters name nobody."""

import datetime
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from haichieu import phone_sign_in
from haichieu.alarms import Alarm, AlarmKind, open_alarms
from haichieu.audit import AuditEntry
from haichieu.database import Database
from haichieu.people import Official, OfficialPhone, Unit
from haichieu.phone_sign_in import (
    LINE_TRIES,
    STATION_TRIES,
    STRANGERS_TRIES,
    TRIES,
    CallBackNeeded,
    Caller,
    LockedOut,
    PhoneSignIn,
    SignInRefused,
    WrongPin,
    lift_locks,
)
from haichieu.pins import prepare_pin, reset_pin
from haichieu.sign_in_counters import RETENTION, SignInCounter, official_identity, prune, refused_until
from haichieu.vault import Vault
from tests.builders.accounts import PIN, official
from tests.builders.places import commune

START = datetime.datetime(2026, 11, 24, 5, 0, tzinfo=datetime.UTC)
KNOWN, STRANGER = "+84912000011", "+84987654321"
VAULT = Vault(b"sQ4Nq0CV3zqv0jTqV2p3bq2GZcyVqI0o3s1bOq7m5rk=")
MANY = STATION_TRIES + 3


def attempt(
    database: Database,
    caller: str | None,
    code: str | None,
    pin: str,
    minutes: float = 0,
    line: str = "PJSIP/carrier",
    *,
    called: bool = False,
) -> object:
    """Try to sign in; return the official's code, or the kind of refusal."""
    at = START + datetime.timedelta(minutes=minutes)
    try:
        return PhoneSignIn(database, VAULT).sign_in(Caller(caller, line, called), code, pin, at).code
    except SignInRefused as refusal:
        return type(refusal)


def strangers() -> Iterator[str]:
    """Numbers that nobody has registered, each used once."""
    return (f"+849876{number:05}" for number in range(10_000))


@pytest.fixture(autouse=True)
def _people(database: Database) -> None:
    with database.session() as session:
        commune(session)


def more_officials(database: Database, count: int) -> list[tuple[str, str]]:
    """Add officials; return their codes and numbers."""
    added = [(f"2{number:03}", f"+8491300{number:04}") for number in range(count)]
    with database.session() as session:
        unit = session.scalars(sa.select(Unit)).first()
        assert unit is not None
        for code, phone in added:
            official(session, unit, code, phone)
    return added


def test_a_known_caller_needs_only_the_pin(database: Database) -> None:
    assert attempt(database, KNOWN, None, PIN) == "1011"


def test_an_unknown_caller_needs_staff_code_and_pin(database: Database) -> None:
    assert attempt(database, STRANGER, "1011", PIN) == "1011"
    assert attempt(database, STRANGER, None, PIN) is WrongPin
    assert attempt(database, None, "1011", PIN) == "1011"


def test_wrong_code_and_wrong_pin_are_refused_alike(database: Database) -> None:
    assert attempt(database, STRANGER, "1011", "000000") is WrongPin
    assert attempt(database, STRANGER, "9999", PIN) is WrongPin


def test_five_wrong_pins_lock_the_caller_and_the_staff_code(database: Database) -> None:
    for _ in range(TRIES):
        assert attempt(database, KNOWN, None, "000000") is WrongPin
    assert attempt(database, KNOWN, None, PIN, minutes=14.9) is CallBackNeeded
    assert attempt(database, STRANGER, "1011", PIN, minutes=1) is LockedOut
    assert attempt(database, KNOWN, None, PIN, minutes=15.1) == "1011"


def test_strangers_do_not_lock_the_registered_number(database: Database) -> None:
    for caller in (None, *zip(range(TRIES - 1), strangers(), strict=False)):
        assert attempt(database, caller and caller[1], "1011", "000000") is WrongPin
    assert attempt(database, STRANGER, "1011", PIN) is LockedOut
    assert attempt(database, KNOWN, None, PIN) == "1011"
    assert attempt(database, KNOWN, "1011", PIN) == "1011"


@pytest.mark.both_databases
def test_every_official_signs_in_at_home_while_strangers_attack_all(database: Database) -> None:
    officials, callers = more_officials(database, 6), strangers()
    for code, _ in officials:
        for _ in range(TRIES):
            attempt(database, next(callers), code, "000000")
    assert all(attempt(database, phone, None, PIN) == code for code, phone in officials)


def test_forged_number_gets_a_call_back_instead_of_a_lock(database: Database) -> None:
    for _ in range(TRIES):
        assert attempt(database, KNOWN, None, "000000") is WrongPin
    assert attempt(database, KNOWN, None, PIN) is CallBackNeeded
    assert attempt(database, KNOWN, None, PIN, called=True) == "1011"


def test_call_from_the_station_has_a_limit_of_its_own(database: Database) -> None:
    for _ in range(TRIES):
        assert attempt(database, KNOWN, None, "000000", called=True) is WrongPin
    assert attempt(database, KNOWN, None, PIN, called=True) is LockedOut
    assert attempt(database, KNOWN, None, PIN) == "1011"


def test_withheld_and_unknown_callers_share_one_budget(database: Database) -> None:
    officials, callers = more_officials(database, 10), strangers()
    answers = [
        attempt(database, next(callers) if number % 2 else None, officials[number % 10][0], "000000", line=f"L{number}")
        for number in range(MANY)
    ]
    assert Counter(answers) == {WrongPin: STRANGERS_TRIES, LockedOut: MANY - STRANGERS_TRIES}


def test_forged_numbers_share_the_budget_of_their_line(database: Database) -> None:
    officials = more_officials(database, 10)
    answers = [attempt(database, officials[number % 10][1], None, "000000") for number in range(MANY)]
    assert Counter(answers) == {WrongPin: LINE_TRIES, CallBackNeeded: MANY - LINE_TRIES}


def test_lines_share_the_budget_of_the_station(database: Database) -> None:
    officials = more_officials(database, 10)
    answers = [attempt(database, officials[n % 10][1], None, "000000", line=f"L{n}") for n in range(MANY)]
    assert Counter(answers) == {WrongPin: STATION_TRIES, CallBackNeeded: MANY - STATION_TRIES}


@pytest.mark.both_databases
@pytest.mark.parametrize("caller", [STRANGER, None, KNOWN])
def test_tries_side_by_side_are_compared_five_times(
    database: Database, caller: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def matches(_: str | None, pin: str) -> bool:
        compared.append(pin)
        return False

    monkeypatch.setattr(phone_sign_in, "secret_matches", matches)
    code = None if caller == KNOWN else "1011"
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: attempt(database, caller, code, f"{number:06}"), range(MANY)))
    refused = CallBackNeeded if caller == KNOWN else LockedOut
    assert Counter(answers) == {WrongPin: TRIES, refused: MANY - TRIES}
    assert len(compared) == TRIES


def test_pins_are_compared_outside_of_transactions(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def matches(*_: object) -> bool:
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        return True

    monkeypatch.setattr(phone_sign_in, "secret_matches", matches)
    assert attempt(database, KNOWN, None, PIN) == "1011"


def test_unfinished_tries_count_as_wrong(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(phone_sign_in, "secret_matches", dies)
        for _ in range(TRIES):
            with pytest.raises(KeyboardInterrupt):
                attempt(database, STRANGER, "1011", PIN)
    assert attempt(database, STRANGER, "1011", PIN) is LockedOut


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


def test_right_pins_do_not_renew_the_budget_of_strangers(database: Database) -> None:
    officials, callers = more_officials(database, STRANGERS_TRIES + 1), strangers()
    for code, phone in officials[1:]:
        assert attempt(database, next(callers), code, "000000") is WrongPin
        assert attempt(database, phone, None, PIN) == code
    assert attempt(database, next(callers), officials[0][0], PIN) is LockedOut


def test_right_pins_use_up_no_budget(database: Database) -> None:
    for _ in range(STRANGERS_TRIES + 1):
        assert attempt(database, None, "1011", PIN) == "1011"


def test_five_wrong_tries_spread_over_an_hour_lock_nobody(database: Database) -> None:
    for minutes in range(0, 60, 10):
        assert attempt(database, KNOWN, None, "000000", minutes=minutes) is WrongPin


def test_a_lock_raises_one_alarm_that_hides_the_number(database: Database) -> None:
    for _ in range(6):
        attempt(database, KNOWN, None, "000000")
    with database.session() as session:
        alarms = session.scalars(sa.select(Alarm)).all()
        assert {alarm.kind for alarm in alarms} == {AlarmKind.SIGN_IN_LOCKED}
        assert sorted(alarm.subject for alarm in alarms) == ["caller:•••••••••011", "official:1011"]


def test_what_was_keyed_in_is_kept_nowhere(database: Database) -> None:
    attempt(database, KNOWN, None, "975310")
    for _ in range(TRIES):
        attempt(database, STRANGER, "975310", "975310")  # the PIN in place of the code
    with database.session() as session:
        for model in (SignInCounter, Alarm, AuditEntry):
            assert not any("975310" in str(vars(row)) for row in session.scalars(sa.select(model)))


def test_counters_name_no_number_and_no_official(database: Database) -> None:
    attempt(database, STRANGER, "1011", "000000")
    with database.session() as session:
        rows = [str(vars(row)) for row in session.scalars(sa.select(SignInCounter))]
        assert len(rows) == 5
        assert not any(word in row for row in rows for word in ("87654321", "1011", "carrier"))


def test_counters_are_pruned_after_a_day(database: Database) -> None:
    attempt(database, STRANGER, "1011", "000000")
    attempt(database, None, "1011", "000000", minutes=30)
    with database.session() as session:
        prune(session, START + RETENTION + datetime.timedelta(minutes=1))
    with database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(SignInCounter)) == 4  # all but the caller
        prune(session, START + RETENTION + datetime.timedelta(minutes=31))
    with database.session() as session:
        assert session.scalars(sa.select(SignInCounter)).all() == []


@pytest.mark.parametrize("how", ["unlock", "new PIN"])
def test_lock_ends_when_lifted_or_with_another_pin(database: Database, how: str) -> None:
    with database.session() as session:
        who = session.scalars(sa.select(Official)).one()
        who.phones.append(OfficialPhone(number="+84206000011", position=1))
    for caller in (KNOWN, STRANGER, "+84206000011"):
        for _ in range(TRIES):
            attempt(database, caller, "1011" if caller == STRANGER else None, "000000")
    soon = START + datetime.timedelta(minutes=1)
    with database.session() as session:
        assert refused_until(session, VAULT, official_identity("1011"), soon) == START + datetime.timedelta(minutes=15)
    with database.session() as session:
        who = session.scalars(sa.select(Official)).one()
        if how == "unlock":
            lift_locks(session, VAULT, who)
        else:
            reset_pin(session, VAULT, who, prepare_pin("864209"), "account:a@b")
    pin = PIN if how == "unlock" else "864209"
    assert attempt(database, KNOWN, None, pin) == "1011"
    assert attempt(database, "+84206000011", None, pin) == "1011"
    assert attempt(database, "+84987654322", "1011", pin) == "1011"
    with database.session() as session:
        assert open_alarms(session) == []
        assert refused_until(session, VAULT, official_identity("1011"), soon) is None
