import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from feedback.cases import merging, reminders
from feedback.cases.case_lifecycle import happen, note
from feedback.cases.reminders import Reminded
from feedback.models import Case
from feedback.states import CaseEvent
from haichieu.alarms import AlarmKind, open_alarms
from haichieu.database import Database, now
from haichieu.locale import message, render
from tests.builders.cases import case, office

BY = "account:truc@example.vn"
NOTHING = Reminded(0, 0)


def due(session: sa.orm.Session) -> datetime.datetime:
    moment = session.scalars(sa.select(Case.due_at)).first()
    assert moment is not None
    return moment


def test_one_reminder_and_one_alarm_for_each_due_date(database: Database) -> None:
    with database.session() as session:
        number = case(session, office(session)).number
    with database.session() as session:
        moment = due(session)
        assert reminders.remind(session, moment - datetime.timedelta(days=9)) == NOTHING
        assert reminders.remind(session, moment - datetime.timedelta(hours=1)) == Reminded(1, 0)
        assert reminders.remind(session, moment - datetime.timedelta(hours=1)) == NOTHING
        assert open_alarms(session) == []
        late = moment + datetime.timedelta(seconds=1)
        assert reminders.remind(session, late) == Reminded(0, 1)
        assert reminders.remind(session, late) == NOTHING
        (alarm,) = open_alarms(session)
        assert (alarm.kind, alarm.subject) == (AlarmKind.CASE_OVERDUE, f"case:{number}")
        one = session.scalars(sa.select(Case)).one()
        happen(session, one, CaseEvent.ANSWER, BY, late)
        assert open_alarms(session) == []
        happen(session, one, CaseEvent.REOPEN, "citizen", late)
        assert reminders.remind(session, due(session) + datetime.timedelta(seconds=1)) == Reminded(0, 1)
        assert [step.what for step in one.history][:3] == ["opened", "reminded", "overdue"]
        announced = one.history[1].after_message
        assert announced == message("case.due", at=moment)
        assert render(announced, "vi") != render(announced, "en")


def test_a_case_that_fails_delays_no_other_reminder(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.session() as session:
        there = office(session)
        broken, other = case(session, there).number, case(session, there).number
        moment = max(session.scalars(sa.select(Case.due_at).where(Case.due_at.is_not(None))))

    def noted(session: sa.orm.Session, one: Case, *others: Any, **words: Any) -> None:
        if one.number == broken:
            raise ZeroDivisionError
        note(session, one, *others, **words)

    monkeypatch.setattr(reminders, "note", noted)
    with database.session() as session:
        assert reminders.remind(session, moment + datetime.timedelta(seconds=1)) == Reminded(0, 1)
    with database.session() as session:
        assert [alarm.subject for alarm in open_alarms(session)] == [f"case:{other}"]
        assert reminders.remind(session, moment + datetime.timedelta(seconds=1)) == NOTHING


@pytest.mark.parametrize("ended", [CaseEvent.ANSWER, CaseEvent.CLOSE])
def test_a_case_answered_in_time_gets_no_reminder(database: Database, ended: CaseEvent) -> None:
    with database.session() as session:
        happen(session, case(session, office(session)), ended, BY, now())
        assert reminders.remind(session, due(session) + datetime.timedelta(days=1)) == NOTHING


def test_a_merged_case_is_reminded_of_by_its_main_one(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        main = case(session, there)
        merging.merge(session, case(session, there), main, BY, now())
        assert reminders.remind(session, due(session) + datetime.timedelta(days=1)) == Reminded(0, 1)


def test_the_next_check_is_at_the_next_due_time_and_within_an_hour(database: Database) -> None:
    with database.session() as session:
        assert reminders.next_look(session, now()) <= now() + reminders.LOOK_EVERY
        case(session, office(session))
        before = due(session) - datetime.timedelta(minutes=5)
        assert reminders.next_look(session, before) == due(session) + datetime.timedelta(seconds=1)
