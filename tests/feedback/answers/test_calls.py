"""Answers by call as rules: who is rung when, how often, and that nobody's phone rings twice for one thing."""

import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.answers import answer_calls, replies
from feedback.answers.answer_calls import PendingAnswers
from feedback.answers.replies import Answer
from feedback.citizens.registry import CitizenBook, open_citizens
from feedback.models import Case, CaseChange, Reply
from feedback.states import Way
from haichieu.alarms import open_alarms
from haichieu.database import Database
from haichieu.jobs import Job
from haichieu.locale import Message, message, render
from tests.builders.cases import Office, case, office

BY = "account:truc@example.vn"
NUMBER, OTHER = "+84912345678", "+84987654321"
MORNING = datetime.datetime(2026, 11, 24, 3, 0, tzinfo=datetime.UTC)
"""Ten o'clock in Vietnam."""
BUSY = message("call.answer.busy")
PAUSES = [datetime.timedelta(minutes=10), datetime.timedelta(hours=1)]


@pytest.fixture
def book(tmp_path: Path) -> CitizenBook:
    return open_citizens(tmp_path / "home")


@pytest.fixture
def there(database: Database) -> Office:
    with database.session() as session:
        return office(session)


def answered(
    session: Session, there: Office, book: CitizenBook, number: str = NUMBER, at: datetime.datetime = MORNING
) -> Case:
    """A case whose citizen is owed an answer by call."""
    opened = case(session, there, citizen=book.meet(session, number, at))
    replies.answer(session, opened, Answer(BY, [Way.CALL], "Đã sửa xong."), at)
    return opened


def claimed(database: Database, at: datetime.datetime = MORNING, most: int = 9) -> list[PendingAnswers]:
    with database.session() as session:
        return answer_calls.claim(session, at, most)


def states(database: Database) -> list[tuple[str, int, Message | None]]:
    with database.session() as session:
        return [(one.state, one.attempts, one.reason) for one in session.scalars(sa.select(Reply).order_by(Reply.id))]


def not_heard(database: Database, owed: PendingAnswers, at: datetime.datetime) -> None:
    with database.session() as session:
        for answer in owed.answers:
            answer_calls.not_heard(session, answer, BUSY, at, PAUSES)


def due(database: Database) -> datetime.datetime | None:
    with database.session() as session:
        return answer_calls.next_due(session)


def test_the_citizen_is_rung_once_and_has_heard_it(database: Database, there: Office, book: CitizenBook) -> None:
    with database.session() as session:
        answered(session, there, book)
    (owed,) = claimed(database)
    assert book.unlock(owed.number_locked) == NUMBER
    assert NUMBER[-9:] not in repr(owed)
    assert owed.number_locked not in repr(owed)
    assert claimed(database) == []
    with database.session() as session:
        answer_calls.heard(session, owed.answers[0], 12.5, MORNING)
        answer_calls.heard(session, owed.answers[0], 9.0, MORNING)  # heard again, and not as long
    assert states(database) == [("heard", 1, None)]
    assert claimed(database, MORNING + answer_calls.LEASE * 2) == []
    with database.session() as session:
        assert session.scalars(sa.select(Reply.seconds_heard)).one() == 12.5
        assert "answer_heard" in session.scalars(sa.select(CaseChange.what)).all()


def test_tries_are_put_off_by_growing_pauses_and_end_in_an_alarm(
    database: Database, there: Office, book: CitizenBook
) -> None:
    with database.session() as session:
        number = answered(session, there, book).number
    at = MORNING
    for pause in PAUSES:
        (owed,) = claimed(database, at)
        not_heard(database, owed, at)
        assert claimed(database, at) == []
        at += pause
        assert due(database) == at
    (owed,) = claimed(database, at)
    not_heard(database, owed, at)
    assert states(database) == [("failed", 3, BUSY)]
    assert due(database) is None
    with database.session() as session:
        (alarm,) = open_alarms(session)
        assert (alarm.kind, alarm.subject) == ("answer_failed", f"case:{number}")
        assert render(alarm.text, "en") == "The answer could not be delivered by call. The line is busy."
        assert render(alarm.text, "vi") == "Chưa báo được câu trả lời bằng cuộc gọi. Máy bận."
        step = session.scalars(sa.select(CaseChange).where(CaseChange.what == "answer_not_heard")).one()
        assert render(step.after_message, "en") == "The line is busy."


def test_nobody_is_rung_at_night(database: Database, there: Office, book: CitizenBook) -> None:
    night = MORNING + datetime.timedelta(hours=13)
    with database.session() as session:
        answered(session, there, book, at=night)
    assert claimed(database, night) == []
    assert states(database) == [("waiting", 0, None)]
    opens = datetime.datetime(2026, 11, 25, 1, 0, tzinfo=datetime.UTC)  # eight o'clock in Vietnam
    assert due(database) == opens
    assert len(claimed(database, opens)) == 1


def test_a_try_that_would_fall_into_the_night_waits_for_the_morning(
    database: Database, there: Office, book: CitizenBook
) -> None:
    evening = datetime.datetime(2026, 11, 24, 12, 55, tzinfo=datetime.UTC)
    with database.session() as session:
        answered(session, there, book, at=evening)
    (owed,) = claimed(database, evening)
    not_heard(database, owed, evening)
    assert due(database) == datetime.datetime(2026, 11, 25, 1, 0, tzinfo=datetime.UTC)


def test_after_two_days_the_citizen_is_left_in_peace(database: Database, there: Office, book: CitizenBook) -> None:
    with database.session() as session:
        answered(session, there, book)
    late = MORNING + answer_calls.WORTH_DELIVERING - datetime.timedelta(minutes=5)
    (owed,) = claimed(database, late)
    not_heard(database, owed, late)
    assert [state for state, _, _ in states(database)] == ["failed"]


def test_citizen_gets_all_waiting_answers_in_one_call(database: Database, there: Office, book: CitizenBook) -> None:
    with database.session() as session:
        answered(session, there, book)
    (first,) = claimed(database)
    not_heard(database, first, MORNING)  # put off
    with database.session() as session:
        answered(session, there, book, at=MORNING)
        answered(session, there, book, OTHER)
    owed = claimed(database)
    assert sorted(len(one.answers) for one in owed) == [1, 2]
    both = max(owed, key=lambda one: len(one.answers))
    assert [one.reply_id for one in both.answers] == sorted(one.reply_id for one in both.answers)


def test_a_number_that_is_ringing_is_not_called_twice(database: Database, there: Office, book: CitizenBook) -> None:
    with database.session() as session:
        answered(session, there, book)
    assert len(claimed(database)) == 1
    with database.session() as session:
        answered(session, there, book)
    assert claimed(database) == []
    assert due(database) == MORNING + answer_calls.BEFORE_ANOTHER


def test_a_call_of_a_dead_switchboard_is_retried_after_a_minute(
    database: Database, there: Office, book: CitizenBook
) -> None:
    with database.session() as session:
        answered(session, there, book)
    (dead,) = claimed(database)
    assert claimed(database, MORNING + datetime.timedelta(seconds=61)) == []
    again = MORNING + answer_calls.LEASE
    (owed,) = claimed(database, again)
    assert states(database) == [("under_way", 2, None)]
    with database.session() as session, pytest.raises(answer_calls.jobs.ClaimLost):
        answer_calls.heard(session, dead.answers[0], 5.0, again)
    with database.session() as session:
        answer_calls.extend(session, owed, again)
    assert claimed(database, again + answer_calls.LEASE - datetime.timedelta(seconds=1)) == []


def test_an_answer_that_kills_its_switchboards_fails_in_the_open(
    database: Database, there: Office, book: CitizenBook
) -> None:
    with database.session() as session:
        answered(session, there, book)
    at = MORNING
    for _ in range(3):
        assert len(claimed(database, at)) == 1
        at += answer_calls.LEASE
    assert claimed(database, at) == []
    assert claimed(database, at) == []
    assert states(database) == [("failed", 3, answer_calls.INTERRUPTED)]


def test_an_erased_citizen_is_not_rung(database: Database, there: Office, book: CitizenBook) -> None:
    with database.session() as session:
        answered(session, there, book).citizen = None
    assert claimed(database) == []
    assert states(database) == [("failed", 0, answer_calls.CITIZEN_ERASED)]


def test_a_cancelled_answer_rings_nobody(database: Database, there: Office, book: CitizenBook) -> None:
    with database.session() as session:
        answered(session, there, book)
        reply = session.scalars(sa.select(Reply)).one()
        replies.advance(session, reply, replies.ReplyEvent.CANCEL, MORNING)
    assert claimed(database) == []
    with database.session() as session:
        assert session.scalars(sa.select(Job.state).where(Job.kind == "answer-call")).all() == ["done"]
