import pytest
import sqlalchemy as sa

from feedback.cases.case_lifecycle import NoSuchCase, Said, find_case, happen, say
from feedback.cases.case_numbers import WrongCheckDigit, new_case_number
from feedback.models import Case
from feedback.states import CASE, CaseEvent, CaseStatus, Channel, Direction
from haichieu import audit
from haichieu.database import Database, now
from haichieu.state_machine import IllegalTransition
from tests.builders.cases import case, office


def test_a_case_begins_with_what_was_said_and_a_number_to_ask_by(database: Database) -> None:
    with database.session() as session:
        opened = case(session, office(session))
        number = opened.number
    with database.session() as session:
        found = find_case(session, number)
        assert (found.status, [message.text for message in found.messages]) == ("new", ["Cầu treo bị hỏng"])
        assert [step.what for step in found.history] == ["opened"]
        assert audit.find(session, words=f"case:{number}")


def test_every_step_is_in_the_history_with_its_actor_and_states(database: Database) -> None:
    with database.session() as session:
        opened = case(session, office(session))
        happen(session, opened, CaseEvent.ASSIGN, "account:a@b.vn", now())
        happen(session, opened, CaseEvent.ANSWER, "account:a@b.vn", now())
        session.flush()
        session.refresh(opened)
        assert [(step.actor, step.before, step.after) for step in opened.history[1:]] == [
            ("account:a@b.vn", "new", "assigned"),
            ("account:a@b.vn", "assigned", "answered"),
        ]
        assert opened.answered_at is not None


def test_what_cannot_happen_is_refused_and_leaves_nothing(database: Database) -> None:
    with database.session() as session:
        opened = case(session, office(session))
        happen(session, opened, CaseEvent.CLOSE, "account:a@b.vn", now())
        with pytest.raises(IllegalTransition, match="closed"):
            happen(session, opened, CaseEvent.ASSIGN, "account:a@b.vn", now())
        assert opened.status == CaseStatus.CLOSED


@pytest.mark.parametrize("ended", [CaseEvent.ANSWER, CaseEvent.CLOSE])
def test_a_citizen_who_speaks_again_reopens_the_case(database: Database, ended: CaseEvent) -> None:
    with database.session() as session:
        opened = case(session, office(session))
        happen(session, opened, ended, "account:a@b.vn", now())
        say(session, opened, Said(Direction.NOTE, Channel.PANEL, "account:a@b.vn", "gọi rồi"), now())
        assert opened.status != CaseStatus.REOPENED
        say(session, opened, Said(Direction.IN, Channel.TEXT, "citizen", "chưa xong"), now())
        assert (opened.status, opened.answered_at, opened.closed_at) == (CaseStatus.REOPENED, None, None)


def test_unknown_number_and_wrong_digit_are_different_errors(database: Database) -> None:
    with database.session() as session:
        with pytest.raises(NoSuchCase):
            find_case(session, new_case_number())
        with pytest.raises(WrongCheckDigit):
            find_case(session, "1")


def test_the_database_knows_no_other_states(database: Database) -> None:
    assert set(CASE.states) == set(CaseStatus)
    with database.session() as session:
        case(session, office(session))
    with pytest.raises(sa.exc.IntegrityError), database.session() as session:
        session.execute(sa.update(Case).values(status="lost"))
