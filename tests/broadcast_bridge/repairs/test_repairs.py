"""Repairs: one open entry per speaker, what joins it, what closes it, its cost and the days lost."""

import datetime

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts.states import DeliveryState
from broadcast_bridge.models import Broadcast, Delivery, Reachability, Speaker
from broadcast_bridge.repairs import repair_steps
from broadcast_bridge.repairs.absences import look
from broadcast_bridge.repairs.days_lost import days_lost
from broadcast_bridge.repairs.errors import (
    AlreadyOpen,
    NoSuchRepair,
    PoleElsewhere,
    PoleRetired,
    RepairMistakes,
    RepairNotAllowed,
    UnknownPole,
)
from broadcast_bridge.repairs.models import FaultReport, Repair
from broadcast_bridge.repairs.pole_codes import pole_code
from broadcast_bridge.repairs.reporting import Reported, report, speaker_at
from broadcast_bridge.repairs.states import Fault, Origin, Outcome
from broadcast_bridge.speakers.reachability import ASTERISK_DOWN
from haichieu.alarms import open_alarms
from haichieu.audit import AuditEntry
from haichieu.database import Database, now
from haichieu.heartbeats import beat
from haichieu.state_machine import IllegalTransition
from tests.builders.places import Commune, commune
from tests.builders.repairs import repair

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


@pytest.fixture
def there(database: Database) -> Commune:
    with database.session() as session:
        beat(session, "switchboard")
        return commune(session)


def repairs(database: Database) -> list[Repair]:
    with database.session() as session:
        return list(session.scalars(sa.select(Repair).order_by(Repair.id)))


def away(database: Database, speaker: Speaker, since: datetime.datetime, why: str = "no answer") -> None:
    """Let supervision have lost a speaker."""
    with database.session() as session:
        row = session.get_one(Speaker, speaker.id)
        row.reachable, row.reachable_since = False, since
        session.add(Reachability(speaker_id=row.id, reachable=False, since=since, why=why))


def back(database: Database, speaker: Speaker, at: datetime.datetime) -> None:
    with database.session() as session:
        row = session.get_one(Speaker, speaker.id)
        row.reachable, row.reachable_since = True, at
        session.execute(sa.update(Reachability).where(Reachability.speaker_id == row.id).values(until=at))


def supervise(database: Database, limit: datetime.timedelta = DAY) -> tuple[int, int]:
    with database.session() as session:
        return look(session, limit, now())


@pytest.mark.both_databases
def test_many_reports_of_one_speaker_join_one_open_repair(database: Database, there: Commune) -> None:
    with database.session() as session:
        for fault in (Fault.LOUD, Fault.SILENT, Fault.NOISY):
            report(session, there.speakers[0].id, Reported(fault, Origin.FAULT_LINE), now())
        report(session, there.speakers[1].id, Reported(Fault.LOUD, Origin.PANEL, "account:a@b"), now())
        assert session.scalars(sa.select(sa.func.count()).select_from(FaultReport)).one() == 4
        audited = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert [(one.fault, one.state) for one in repairs(database)] == [("silent", "open"), ("loud", "open")]
    assert [one for one in audited if one.startswith("repair")] == [
        "repair.open", "repair.report", "repair.report", "repair.open",
    ]  # fmt: skip


@pytest.mark.both_databases
def test_database_refuses_a_second_open_repair(database: Database, there: Commune) -> None:
    with database.session() as session:
        repair(session, there.speakers[0].id)
    second = Repair(speaker_id=there.speakers[0].id, fault="loud", broken_since=now(), opened_at=now())
    with database.session() as session:
        session.add(second)
        with pytest.raises(sa.exc.IntegrityError):
            session.flush()
        session.rollback()


def test_speaker_that_may_fall_raises_an_alarm_until_it_is_repaired(database: Database, there: Commune) -> None:
    with database.session() as session:
        made = repair(session, there.speakers[0].id, Fault.UNSAFE)
        assert [one.kind for one in open_alarms(session)] == ["speaker_unsafe"]
        repair_steps.close(session, made, Outcome.DONE, "account:a@b", now())
        assert open_alarms(session) == []


@pytest.mark.parametrize(("others", "error"), [(False, PoleElsewhere), (True, PoleRetired)])
def test_code_of_another_unit_or_of_a_retired_speaker_is_refused(
    database: Database, there: Commune, others: bool, error: type[Exception]
) -> None:
    with database.session() as session:
        speaker = session.get_one(Speaker, there.speakers[0].id)
        speaker.removed_at = now() if others else None
        with pytest.raises(error):
            speaker_at(session, pole_code(speaker.id), {there.commune.id} if others else {there.district.id})
        with pytest.raises(UnknownPole):
            speaker_at(session, pole_code(900), {there.commune.id})
        if others:
            with pytest.raises(PoleRetired):
                report(session, speaker.id, Reported(Fault.LOUD, Origin.FAULT_LINE), now())


def test_technician_needs_the_right_and_sees_the_own_unit_only(database: Database, there: Commune) -> None:
    with database.session() as session:
        other = commune(session, code="12")
        first = repair(session, there.speakers[0].id)
        unsafe = repair(session, there.speakers[1].id, Fault.UNSAFE)
        repair(session, other.speakers[0].id)
        official = session.merge(there.official)
        with pytest.raises(RepairNotAllowed):
            repair_steps.technician(session, official.id)
        official.may = ["repair"]
        seen = repair_steps.open_in(session, repair_steps.technician(session, official.id))
        assert seen == [unsafe.id, first.id]


@pytest.mark.both_databases
def test_speaker_away_too_long_gets_one_repair_and_its_return_closes_it(database: Database, there: Commune) -> None:
    since = now() - 3 * DAY
    away(database, there.speakers[0], since)
    away(database, there.speakers[1], now() - HOUR)
    assert [supervise(database) for _ in range(3)] == [(1, 0), (0, 0), (0, 0)]
    (made,) = repairs(database)
    assert (made.fault, made.broken_since, made.speaker_id) == ("away", since, there.speakers[0].id)
    with database.session() as session:
        assert [one.kind for one in open_alarms(session)] == ["speaker_away"]
    back(database, there.speakers[0], now())
    assert supervise(database) == (0, 1)
    (made,) = repairs(database)
    assert (made.state, made.outcome, made.closed_by) == ("closed", "returned", "supervision")
    with database.session() as session:
        assert open_alarms(session) == []


@pytest.mark.parametrize("touched", ["report", "work"])
def test_return_does_not_close_what_people_have_touched(database: Database, there: Commune, touched: str) -> None:
    away(database, there.speakers[0], now() - 3 * DAY)
    supervise(database)
    with database.session() as session:
        made = session.scalars(sa.select(Repair)).one()
        if touched == "work":
            repair_steps.note(session, made, {"work": "Đã gọi điện lực"}, "account:a@b")
        else:
            report(session, made.speaker_id, Reported(Fault.SILENT, Origin.FAULT_LINE), now())
    back(database, there.speakers[0], now())
    assert supervise(database) == (0, 0)
    assert repairs(database)[0].state == "open"
    with database.session() as session:
        assert open_alarms(session) == []


def test_closed_repair_of_an_absent_speaker_is_opened_after_the_limit(database: Database, there: Commune) -> None:
    away(database, there.speakers[0], now() - 9 * DAY)
    supervise(database)
    with database.session() as session:
        made = session.scalars(sa.select(Repair)).one()
        repair_steps.close(session, made, Outcome.DONE, "account:a@b", now())
    assert supervise(database) == (0, 0)
    with database.session() as session:
        session.scalars(sa.select(Repair)).one().closed_at = now() - 2 * DAY
    assert supervise(database) == (1, 0)


def test_absence_of_asterisk_is_no_fault_of_the_speakers(database: Database, there: Commune) -> None:
    for speaker in there.speakers:
        away(database, speaker, now() - 5 * DAY, ASTERISK_DOWN)
    assert supervise(database) == (0, 0)
    back(database, there.speakers[1], now() - 2 * DAY)
    with database.session() as session:
        session.add(Reachability(speaker_id=there.speakers[1].id, reachable=True, since=now() - 2 * DAY))
    assert supervise(database) == (1, 0)
    assert supervise(database, 3 * DAY) == (0, 0)


def test_nothing_is_opened_while_no_switchboard_is_alive(database: Database, there: Commune) -> None:
    away(database, there.speakers[0], now() - 5 * DAY)
    with database.session() as session:
        assert look(session, DAY, now() + HOUR) == (0, 0)


def test_repair_of_a_retired_speaker_is_closed(database: Database, there: Commune) -> None:
    with database.session() as session:
        repair(session, there.speakers[0].id)
        session.get_one(Speaker, there.speakers[0].id).removed_at = now()
    assert supervise(database) == (0, 1)
    assert repairs(database)[0].outcome == "retired"


def test_days_lost_are_stated_or_supervised_or_dated(database: Database, there: Commune) -> None:
    at = now()
    away(database, there.speakers[0], at - 4 * DAY)
    supervise(database)
    with database.session() as session:
        absent = session.scalars(sa.select(Repair)).one()
        session.scalars(sa.select(Reachability)).one().until = at - 2 * DAY
        session.add(Reachability(speaker_id=absent.speaker_id, reachable=False, since=at - DAY, until=None))
        silent = repair(session, there.speakers[1].id, broken_since=at - 3 * DAY, closed_at=at - DAY, state="closed")
        loud = repair(session, there.speakers[1].id, Fault.LOUD)
        found = days_lost(session, [absent, silent, loud], at)
        assert found[absent.id] == pytest.approx(3)
        assert found[silent.id] == pytest.approx(2)
        assert found[loud.id] is None
        absent.days_lost_stated = 7
        assert days_lost(session, [absent], at) == {absent.id: 7}


@pytest.mark.parametrize(
    ("typed", "cost"),
    [("", None), ("0", 0), ("350000", 350000), ("1.250.000", 1250000), ("1,250,000", 1250000), ("1 250 000", 1250000)],
)
def test_cost_is_read_with_either_separator(database: Database, there: Commune, typed: str, cost: int | None) -> None:
    with database.session() as session:
        made = repair(session, there.speakers[0].id)
        repair_steps.note(session, made, {"cost": typed, "parts": "Củ loa 30 W", "days_lost": "2"}, "account:a@b")
        assert (made.cost, made.parts, made.days_lost_stated) == (cost, "Củ loa 30 W", 2)


@pytest.mark.parametrize(
    "typed",
    ["1.250,000", "350.000", "1.250.000,50", "12,5", "-1", "1e6", "một triệu", "1.25", "10000000000000", "１２"],
)
def test_cost_that_can_be_misread_is_refused(database: Database, there: Commune, typed: str) -> None:
    with database.session() as session:
        made = repair(session, there.speakers[0].id)
        with pytest.raises(RepairMistakes) as refusal:
            repair_steps.note(session, made, {"cost": typed, "days_lost": "x", "work": "a" * 3000}, "account:a@b")
        assert set(refusal.value.problems) == {"cost", "days_lost", "work"}
        assert made.cost is None


@pytest.mark.parametrize(
    ("typed", "days"), [("", None), ("0", 0), ("2", 2), ("1,1", 1.1), ("1.5", 1.5), ("9999", 9999)]
)
def test_days_lost_take_one_decimal(database: Database, there: Commune, typed: str, days: float | None) -> None:
    with database.session() as session:
        made = repair(session, there.speakers[0].id)
        repair_steps.note(session, made, {"days_lost": typed}, "account:a@b")
        session.flush()
        session.refresh(made)
        assert made.days_lost_stated == days


@pytest.mark.parametrize("typed", ["1,15", "1.", "-1", "9999,1", "10000", "1 1", "x"])
def test_days_lost_that_are_no_number_are_refused(database: Database, there: Commune, typed: str) -> None:
    with database.session() as session, pytest.raises(RepairMistakes):
        repair_steps.note(session, repair(session, there.speakers[0].id), {"days_lost": typed}, "account:a@b")


def test_closed_repair_is_reopened_unless_the_speaker_has_another(database: Database, there: Commune) -> None:
    with database.session() as session:
        made = repair(session, there.speakers[0].id)
        repair_steps.close(session, made, Outcome.DONE, "account:a@b", now())
        with pytest.raises(IllegalTransition):
            repair_steps.close(session, made, Outcome.DONE, "account:a@b", now())
        repair_steps.reopen(session, made, "account:a@b")
        assert (made.state, made.closed_at, made.outcome) == ("open", None, "")
        repair_steps.close(session, made, Outcome.DONE, "account:a@b", now())
        repair(session, there.speakers[0].id)
        with pytest.raises(AlreadyOpen):
            repair_steps.reopen(session, made, "account:a@b")
        with pytest.raises(NoSuchRepair):
            repair_steps.find(session, 77)


@pytest.mark.parametrize(
    ("state", "heard", "played"),
    [("pending", None, None), ("played", 10, True), ("played", None, True), ("missed", None, False)],
)
def test_tone_is_proof_when_its_delivery_was_played(
    database: Database, there: Commune, state: str, heard: int | None, played: bool | None
) -> None:
    with database.session() as session:
        tone = Broadcast(kind="recorded", title="Âm thử", zone_names="", created_at=now(), state="ended")
        delivery = Delivery(
            broadcast=tone, speaker_id=there.speakers[0].id, state=DeliveryState(state), active=state == "pending",
            first_audio_at=now() if state == "played" else None, packets_lost=heard,
        )  # fmt: skip
        session.add(delivery)
        session.flush()
        assert repair_steps.test_played(session, tone.id) is played
        assert repair_steps.test_played(session, tone.id + 1) is None
