import datetime
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.schedule.due import claim_due
from broadcast_bridge.schedule.materialise import HORIZON, forget_future, materialise
from broadcast_bridge.schedule.models import Occurrence
from broadcast_bridge.schedule.states import OccurrenceReason
from haichieu.database import Database
from tests.builders.places import commune
from tests.builders.schedules import DAY, LEASE, NOW, daily, minutes


def due(session: Session) -> list[str]:
    """The local hours of all occurrences, with their states."""
    session.expire_all()
    return [
        f"{one.due_at + datetime.timedelta(hours=7):%d %H:%M} {one.state}"
        for one in session.scalars(sa.select(Occurrence).order_by(Occurrence.due_at))
    ]


def test_occurrences_are_made_ahead_and_once_however_often_it_runs(database: Database) -> None:
    with database.session() as session:
        daily(session, commune(session))
        first = materialise(session, NOW + HORIZON, NOW)
        again = materialise(session, NOW + HORIZON, NOW)
        assert (first.added, again.added, again.removed) == (2, 0, 0)
        assert due(session) == ["24 05:30 planned", "25 05:30 planned"]


def test_several_processes_at_once_make_each_occurrence_once(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        for hour in range(5, 20):
            daily(session, place, f"{hour:02d}:15")
    together = threading.Barrier(4)
    problems: list[Exception] = []

    def run() -> None:
        together.wait(10)
        try:
            with database.session() as session:
                materialise(session, NOW + HORIZON, NOW)
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session() as session:
        assert problems == []
        assert session.scalar(sa.select(sa.func.count()).select_from(Occurrence)) == 30


def test_a_run_that_was_rolled_back_leaves_nothing_and_the_next_makes_all(database: Database) -> None:
    def crash() -> None:
        with database.session() as session:
            materialise(session, NOW + HORIZON, NOW)
            raise RuntimeError

    with database.session() as session:
        daily(session, commune(session))
    with pytest.raises(RuntimeError):
        crash()
    with database.session() as session:
        assert materialise(session, NOW + HORIZON, NOW).added == 2


def test_an_edit_moves_what_is_to_come_and_leaves_what_was(database: Database) -> None:
    with database.session() as session:
        schedule = daily(session, commune(session))
        materialise(session, NOW + HORIZON, NOW)
        schedule.starts = schedule.starts.replace(hour=6)
        session.flush()
        materialise(session, NOW + HORIZON, NOW + minutes(60))
        assert due(session) == ["24 05:30 planned", "24 06:30 planned", "25 06:30 planned"]


def test_forgetting_removes_what_is_to_come_whatever_the_horizon(database: Database) -> None:
    with database.session() as session:
        schedule = daily(session, commune(session))
        materialise(session, NOW + 5 * DAY, NOW)
        assert forget_future(session, schedule.id, NOW + DAY) == 4
        assert due(session) == ["24 05:30 planned"]


def test_a_schedule_that_is_switched_off_loses_what_is_to_come(database: Database) -> None:
    with database.session() as session:
        schedule = daily(session, commune(session))
        materialise(session, NOW + HORIZON, NOW)
        schedule.enabled = False
        session.flush()
        assert materialise(session, NOW + HORIZON, NOW).removed == 2
        assert due(session) == []


def test_a_cancelled_day_is_not_made_again(database: Database) -> None:
    with database.session() as session:
        daily(session, commune(session))
        materialise(session, NOW + HORIZON, NOW)
        session.scalars(sa.select(Occurrence).order_by(Occurrence.due_at)).first().state = "cancelled"  # type: ignore[union-attr]
        session.flush()
        materialise(session, NOW + HORIZON, NOW)
        assert due(session) == ["24 05:30 cancelled", "25 05:30 planned"]


def test_what_came_due_while_the_station_was_down_is_made_afterwards(database: Database) -> None:
    with database.session() as session:
        daily(session, commune(session))
        materialise(session, NOW + HORIZON, NOW)
        materialise(session, NOW + 4 * DAY + HORIZON, NOW + 4 * DAY)
        assert [text[:2] for text in due(session)] == ["24", "25", "26", "27", "28", "29"]


def test_a_new_schedule_has_no_past(database: Database) -> None:
    with database.session() as session:
        daily(session, commune(session), materialised_until=None)
        materialise(session, NOW + HORIZON, NOW + minutes(45))
        assert due(session) == ["25 05:30 planned"]


def test_a_clock_that_was_ahead_and_is_set_right_silences_no_bell(database: Database) -> None:
    with database.session() as session:
        daily(session, commune(session))
        materialise(session, NOW + HORIZON, NOW)
        wrong = NOW + 30 * DAY
        materialise(session, wrong + HORIZON, wrong)
        assert claim_due(session, "a", wrong, LEASE) == []
        assert due(session)[:2] == ["24 05:30 missed", "25 05:30 missed"]
        materialise(session, NOW + HORIZON, NOW)
        assert due(session)[:2] == ["24 05:30 planned", "25 05:30 planned"]


def test_a_clock_that_is_set_back_repeats_nothing(database: Database) -> None:
    with database.session() as session:
        daily(session, commune(session))
        materialise(session, NOW + DAY, NOW)
        claim_due(session, "a", NOW + minutes(30), LEASE)
        session.flush()
        materialise(session, NOW + DAY, NOW)
        assert claim_due(session, "b", NOW, LEASE) == []
        assert due(session) == ["24 05:30 claimed"]


def test_a_holiday_is_left_out_and_says_so_until_the_rule_changes(database: Database) -> None:
    eve = datetime.datetime(2026, 12, 31, 12, 0, tzinfo=datetime.UTC)
    with database.session() as session:
        schedule = daily(session, commune(session), days="not_on_holidays", materialised_until=eve)
        materialise(session, eve + HORIZON, eve)
        assert due(session) == ["01 05:30 skipped", "02 05:30 planned"]
        assert session.scalars(sa.select(Occurrence.reason).where(Occurrence.state == "skipped")).all() == [
            OccurrenceReason.HOLIDAY
        ]
        schedule.days = "any"
        session.flush()
        materialise(session, eve + HORIZON, eve)
        assert due(session) == ["01 05:30 planned", "02 05:30 planned"]
