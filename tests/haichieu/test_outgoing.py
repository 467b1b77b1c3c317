"""Rule for outgoing calls and texts: numbers of subscribers only, up to the daily limits."""

import datetime
import threading

import pytest
import sqlalchemy as sa

from haichieu.alarms import Alarm, AlarmKind
from haichieu.database import Database
from haichieu.errors import SettingsError
from haichieu.locale import render
from haichieu.outgoing import (
    LimitReached,
    NumberRefused,
    OutgoingDay,
    OutgoingRefused,
    OutgoingRule,
    Use,
    outgoing_rule,
)
from haichieu.settings import load_settings
from haichieu.sip.models import Phone
from tests.builders.outgoing import RULE

LAN = "+84912345678"
NOON = datetime.datetime(2026, 11, 24, 5, 0, tzinfo=datetime.UTC)  # 12:00 in Vietnam
DAY = datetime.timedelta(days=1)


def take(
    database: Database, number: str = LAN, at: datetime.datetime = NOON, rule: OutgoingRule = RULE
) -> OutgoingRefused | None:
    with database.session() as session:
        return rule.take(session, Use.MISSED_CALLS, number, at)


def alarms(database: Database) -> list[tuple[str, str]]:
    with database.session() as session:
        return [
            (alarm.kind, render(alarm.text, "en")) for alarm in session.scalars(sa.select(Alarm).order_by(Alarm.id))
        ]


def three_a_day() -> OutgoingRule:
    return OutgoingRule(frozenset({"VN"}), dict.fromkeys(Use, 3))


@pytest.mark.parametrize("number", [LAN, "+842063851234", "+842471234567", "+84672123456"])
def test_subscribers_of_the_country_may_be_called(number: str) -> None:
    assert RULE.objection(number) is None


@pytest.mark.parametrize(
    ("number", "because"),
    [
        *((short, "not_a_number") for short in ("113", "114", "115", "112", "1022", "19001", "", "+", "+84", "+84113")),
        *((odd, "not_a_number") for odd in ("carrier2%2Fsip", '"', "0912345678@carrier", "PJSIP/0912345678@carrier")),
        *((odd, "not_a_number") for odd in ("+8491234567x", "+84912345678,5", "+84 912345678", "+8491234567８")),
        *((premium, "premium") for premium in ("+841900545454", "+8419001234")),
        *((nobody, "not_a_subscriber") for nobody in ("+8411300", "+841800123456", "+84206000002", "+8499999999999")),
        *((abroad, "foreign") for abroad in ("+16502530000", "+18765551234", "+8562055512345", "+881612345678")),
        *((abroad, "foreign") for abroad in ("+882161234567", "+979123456789")),
    ],
)
def test_no_other_number_may_be_called(number: str, because: str) -> None:
    objection = RULE.objection(number)
    assert objection is not None
    assert objection.key == f"outgoing.because.{because}"


def test_countries_are_a_setting() -> None:
    assert outgoing_rule(load_settings(outgoing_countries="VN, la")).objection("+8562055512345") is None
    with pytest.raises(SettingsError, match="ISO 3166"):
        load_settings(outgoing_countries="VN,Laos")


def test_telephones_of_the_station_are_neither_refused_nor_counted(database: Database) -> None:
    with database.session() as session:
        session.add(Phone(code="desk", name="Bàn trực", password_locked="", caller_number="101"))
    assert [take(database, "101", rule=three_a_day()) for _ in range(5)] == [None] * 5
    with database.session() as session:
        assert session.scalars(sa.select(OutgoingDay)).all() == []


def test_refused_numbers_raise_one_alarm_per_reason_without_the_number(database: Database) -> None:
    for number in ("113", "114", "+841900545454", "+16502530000", "+16502530001"):
        assert isinstance(take(database, number), NumberRefused)
    raised = alarms(database)
    assert [kind for kind, _ in raised] == [AlarmKind.OUTGOING_REFUSED] * 3
    assert all("calls back to citizens" in text for _, text in raised)
    assert not any(digit in text for digit in "0123456789" for _, text in raised)


def test_refused_number_of_an_official_is_named_in_the_alarm(database: Database) -> None:
    with database.session() as session:
        assert RULE.refusal(session, Use.OFFICIALS, "+841900545454") is not None
    [(_, text)] = alarms(database)
    assert "454 (calls to officials): it is a premium-rate number" in text


def test_number_that_an_administrator_entered_may_be_in_a_new_range(database: Database) -> None:
    with database.session() as session:
        refused = [RULE.refusal(session, use, "+84206000002") for use in (Use.OFFICIALS, Use.DUTY_DESK, Use.RECEIPTS)]
    assert [bool(refusal) for refusal in refused] == [False, False, True]


def test_a_limit_holds_for_one_day_and_one_kind(database: Database) -> None:
    rule = three_a_day()
    assert [take(database, at=NOON, rule=rule) for _ in range(3)] == [None] * 3
    refused = take(database, at=NOON, rule=rule)
    assert isinstance(refused, LimitReached)
    assert refused.until == datetime.datetime(2026, 11, 24, 17, 0, tzinfo=datetime.UTC)  # midnight in Vietnam
    with database.session() as session:
        assert rule.take(session, Use.RECEIPTS, LAN, NOON) is None
    assert take(database, at=refused.until, rule=rule) is None
    assert take(database, at=NOON + 40 * DAY, rule=rule) is None
    with database.session() as session:
        assert session.scalars(sa.select(OutgoingDay.day)).all() == [datetime.date(2027, 1, 3)]


def test_alarms_tell_of_a_limit_that_is_nearly_and_fully_used(database: Database) -> None:
    rule = OutgoingRule(frozenset({"VN"}), dict.fromkeys(Use, 10))
    told = []
    for _ in range(12):
        take(database, rule=rule)
        told.append(len(alarms(database)))
    assert told == [0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2]
    assert [kind for kind, _ in alarms(database)] == [AlarmKind.OUTGOING_LIMIT] * 2
    assert all("daily_missed_calls" in text for _, text in alarms(database))


@pytest.mark.both_databases
def test_a_limit_holds_for_concurrent_calls(database: Database) -> None:
    taken: list[OutgoingRefused | None] = []
    threads = [threading.Thread(target=lambda: taken.append(take(database, rule=three_a_day()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(refused is None for refused in taken) == 3
    assert len(taken) == 8
