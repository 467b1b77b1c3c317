"""One day of a schedule otherwise than the others."""

import datetime

import pytest

from broadcast_bridge.schedule.editing import account_as_planner, plan
from broadcast_bridge.schedule.errors import ChangedMeanwhile, NoSuchOccurrence, ScheduleRefused
from broadcast_bridge.schedule.materialise import materialise, recurrence_of
from broadcast_bridge.schedule.models import Occurrence
from broadcast_bridge.schedule.single_days import leave_out, move
from haichieu.database import Database
from tests.builders.places import commune
from tests.builders.schedules import DAY, NOW, account_in, bulletin

WAS, TO = datetime.datetime(2026, 11, 26, 5, 30), datetime.datetime(2026, 11, 26, 17, 0)


def test_a_day_is_moved_moved_on_and_left_out_while_the_others_stay(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        planner = account_as_planner(session, account_in(session, place))
        made = plan(session, bulletin(session, place), planner, NOW)
        materialise(session, NOW + 4 * DAY, NOW)
        move(session, made.id, WAS, TO, planner, made.version, NOW)
        with pytest.raises(ChangedMeanwhile):
            move(session, made.id, TO, WAS, planner, made.version - 1, NOW)
        materialise(session, NOW + 4 * DAY, NOW)
        walls = [moment.wall for moment in recurrence_of(made).between(NOW, NOW + 4 * DAY)]
        assert [(wall.day, wall.hour) for wall in walls] == [(24, 5), (25, 5), (26, 17), (27, 5)]
        assert session.query(Occurrence).count() == 4
        move(session, made.id, TO, WAS, planner, made.version, NOW)
        assert [moment.wall.hour for moment in recurrence_of(made).between(NOW, NOW + 4 * DAY)] == [5, 5, 5, 5]
        leave_out(session, made.id, WAS, planner, made.version, NOW)
        assert len(recurrence_of(made).between(NOW, NOW + 4 * DAY)) == 3


def test_a_single_occurrence_gets_another_time(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        planner = account_as_planner(session, account_in(session, place))
        made = plan(session, bulletin(session, place, rrule="", starts=WAS), planner, NOW)
        move(session, made.id, WAS, TO, planner, made.version, NOW)
        assert (made.starts, made.exdates, made.rdates) == (TO, [], [])


def test_nothing_is_moved_from_or_to_where_it_cannot_be(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        planner = account_as_planner(session, account_in(session, place))
        draft = bulletin(session, place, valid_until=datetime.date(2026, 11, 30), days="working_days")
        made = plan(session, draft, planner, NOW)
        number, version = made.id, made.version
        for was, to, refusal in (
            (TO, WAS, NoSuchOccurrence),
            (WAS - 30 * DAY, TO, NoSuchOccurrence),
            (WAS, WAS, ScheduleRefused),
            (WAS, WAS + DAY, ScheduleRefused),
            (WAS, TO - 30 * DAY, ScheduleRefused),
            (WAS, TO + 2 * DAY, ScheduleRefused),
            (WAS, TO + 5 * DAY, ScheduleRefused),
        ):
            with pytest.raises(refusal), session.begin_nested():
                move(session, number, was, to, planner, version, NOW)
