import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback import job_kinds
from feedback.answers import replies
from feedback.answers.replies import Answer, AnswerRefused, NothingToRetry
from feedback.citizens.registry import open_citizens
from feedback.models import Case, Citizen, Message, Reply
from feedback.states import ReplyEvent, Way
from haichieu import jobs, locale
from haichieu.database import Database, now
from tests.builders.cases import agreed, case, office

BY = "account:truc@example.vn"
LEASE = datetime.timedelta(minutes=1)


@pytest.fixture
def known(database: Database, tmp_path: Path) -> str:
    """The number of a case whose citizen is known."""
    with database.session() as session:
        citizen = open_citizens(tmp_path).meet(session, "+84912345678", now())
        return agreed(session, case(session, office(session), citizen=citizen)).number


def the_case(session: sa.orm.Session) -> Case:
    return session.scalars(sa.select(Case)).one()


def test_an_answer_and_the_jobs_that_carry_it_out_are_written_together(database: Database, known: str) -> None:
    with database.session() as session:
        replies.answer(session, the_case(session), Answer(BY, [Way.TEXT, Way.CALL, Way.AIR], "Đã sửa xong"), now())
    with database.session() as session:
        found = the_case(session)
        assert (found.status, found.answered_at is not None) == ("answered", True)
        answered = found.messages[-1]
        assert {reply.way: reply.state for reply in answered.replies} == dict.fromkeys(
            ("text", "call", "air"), "waiting"
        )
        for reply in answered.replies:
            assert jobs.find(session, replies.JOBS[Way(reply.way)], reply.id) is not None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (Answer(BY, [Way.TEXT], "  "), "empty"),
        (Answer(BY, [], "Đã sửa"), "Choose how to answer"),
        (Answer(BY, [Way.TEXT], "x" * 5001), "5,001 characters"),
    ],
)
def test_an_answer_that_cannot_be_given_changes_nothing(
    database: Database, known: str, given: Answer, says: str
) -> None:
    with database.session() as session, pytest.raises(AnswerRefused, match=says):
        replies.answer(session, the_case(session), given, now())
    with database.session() as session:
        assert the_case(session).status == "new"
        assert session.scalars(sa.select(Reply)).all() == []


def test_an_anonymous_citizen_is_answered_on_air_only(database: Database) -> None:
    with database.session() as session:
        opened = case(session, office(session))
        with pytest.raises(AnswerRefused, match="anonymous"):
            replies.answer(session, opened, Answer(BY, [Way.TEXT], "Đã sửa"), now())
        assert replies.acknowledge(session, opened, "Đã nhận", now()) is None
        replies.answer(session, opened, Answer(BY, [Way.AIR], "Đã sửa"), now())


def test_an_unsubscribed_citizen_gets_no_texts(database: Database, known: str) -> None:
    with database.session() as session:
        session.scalars(sa.select(Citizen)).one().opted_out_at = now()
        with pytest.raises(AnswerRefused, match="text messages"):
            replies.answer(session, the_case(session), Answer(BY, [Way.TEXT], "Đã sửa"), now())
        assert replies.acknowledge(session, the_case(session), "Đã nhận", now()) is None


def test_the_stations_own_text_leaves_the_case_as_it_is(database: Database, known: str) -> None:
    with database.session() as session:
        assert replies.acknowledge(session, the_case(session), f"Mã phản ánh {known}", now()) is not None
        assert the_case(session).status == "new"


def test_messages_of_citizens_are_filed_and_those_of_the_office_are_not(database: Database, known: str) -> None:
    with database.session() as session:
        replies.answer(session, the_case(session), Answer(BY, [Way.TEXT], "Đã sửa"), now())
        asked, answered = session.scalars(sa.select(Message.id).order_by(Message.id)).all()
        assert jobs.find(session, job_kinds.FILE, asked) is not None
        assert jobs.find(session, job_kinds.FILE, answered) is None


def test_what_failed_is_tried_again_once_by_a_person(database: Database, known: str) -> None:
    with database.session() as session:
        given = Answer(BY, [Way.TEXT, Way.CALL, Way.AIR], "Đã sửa xong")
        for reply in replies.answer(session, the_case(session), given, now()).replies:
            reply.attempts, reply.provider_id = 3, f"SM{reply.id}"
            [claim] = jobs.claim(session, [replies.JOBS[Way(reply.way)]], now(), LEASE)
            jobs.fail(session, claim, now(), locale.Message.verbatim("hỏng"))
            replies.advance(session, reply, ReplyEvent.FAIL, now(), locale.Message.verbatim("hỏng"))
    with database.session() as session:
        text, call, air = (session.scalars(sa.select(Reply).order_by(Reply.id))).all()
        for reply in (text, call):
            replies.retry(session, reply, BY, now())
            assert (reply.state, reply.reason, reply.attempts, reply.provider_id) == ("waiting", None, 0, None)
            job = jobs.find(session, replies.JOBS[Way(reply.way)], reply.id)
            assert job is not None
            assert (job.state, job.attempts) == ("waiting", 0)
        for reply in (text, air):  # clicked twice; and an answer on air is answered again instead
            with pytest.raises(NothingToRetry):
                replies.retry(session, reply, BY, now())
        steps = [(step.what, step.actor, step.after) for step in the_case(session).history if "retried" in step.what]
        assert steps == [("answer_retried", BY, "text"), ("answer_retried", BY, "call")]
        replies.advance(session, text, ReplyEvent.FAIL, now())
        citizen = the_case(session).citizen
        assert citizen is not None
        citizen.opted_out_at = now()
        with pytest.raises(AnswerRefused, match="does not want"):
            replies.retry(session, text, BY, now())
